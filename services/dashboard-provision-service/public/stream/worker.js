// The shared worker of a browser: one hub, so one connection, for each stream that any of its tabs shows. A browser opens six
// connections to a server over HTTP/1.1; without this, a seventh tab would wait for ever.
import { createHub } from './hub.js'

/** @type {Map<string, import('./hub.js').Hub>} */
const hubs = new Map()

/** @param {string} url */
function hubOf(url) {
  const known = hubs.get(url)
  if (known) return known
  const hub = createHub(url, () => hubs.delete(url))
  hubs.set(url, hub)
  return hub
}

addEventListener('connect', (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports
  if (!port) return
  port.onmessage = ({ data: { type, url } }) => {
    const hub = hubOf(url)
    if (type === 'here') hub.here(port, (told) => port.postMessage(told))
    else if (type === 'retry') hub.retry()
    else hub.leave(port)
  }
})
