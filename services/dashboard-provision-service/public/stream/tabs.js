import { createHub } from './hub.js'

/** @typedef {import('./hub.js').Told} Told */
/** @typedef {{ retry: () => void, close: () => void }} Watching */

const hereMs = 20_000

/** Says that this tab is there, now and again, also after it slept. @param {() => void} say @param {() => void} leave @returns {() => void} ends it */
function present(say, leave) {
  say()
  const timer = setInterval(say, hereMs)
  const wake = () => document.hidden || say()
  addEventListener('pagehide', leave)
  addEventListener('pageshow', wake)
  document.addEventListener('visibilitychange', wake)
  return () => {
    clearInterval(timer)
    removeEventListener('pagehide', leave)
    removeEventListener('pageshow', wake)
    document.removeEventListener('visibilitychange', wake)
    leave()
  }
}

/** @param {string} url @param {(told: Told) => void} tell @returns {Watching} */
function throughWorker(url, tell) {
  const { port } = new SharedWorker('/dashboards/stream/worker.js', { type: 'module', name: 'count streams' })
  port.onmessage = ({ data }) => tell(data)
  const say = (/** @type {string} */ type) => port.postMessage({ type, url })
  const end = present(
    () => say('here'),
    () => say('leave'),
  )
  return {
    retry: () => say('retry'),
    close() {
      end()
      port.close()
    },
  }
}

/**
 * Without shared workers the tab that holds a lock reads the stream for all and passes it on; when it closes, the browser
 * hands the lock to the next.
 * @param {string} url @param {(told: Told) => void} tell @returns {Watching}
 */
function throughLeader(url, tell) {
  const channel = new BroadcastChannel(`count ${url}`)
  const closing = new AbortController()
  /** @type {import('./hub.js').Hub | undefined} */
  let hub
  const everyone = (/** @type {Told} */ told) => {
    channel.postMessage(told)
    tell(told)
  }
  /** Others that came later need everything once: all get it, as there is no telling them apart. */
  const tellAgain = () => {
    hub?.leave(channel)
    hub?.here(channel, everyone)
  }
  channel.onmessage = ({ data }) => {
    if (data === 'hello') tellAgain()
    else if (data === 'retry') hub?.retry()
    else tell(data)
  }
  channel.postMessage('hello')
  const lead = () =>
    new Promise((resolve) => {
      hub = createHub(url, () => resolve(undefined))
      hub.here(channel, everyone)
    })
  navigator.locks.request(`count ${url}`, { signal: closing.signal }, lead).catch(() => undefined)
  const end = present(
    () => hub?.here(channel, everyone),
    () => {},
  )
  return {
    retry: () => (hub ? hub.retry() : channel.postMessage('retry')),
    close() {
      end()
      closing.abort()
      hub?.close()
      channel.close()
    },
  }
}

/** @param {string} url @param {(told: Told) => void} tell @returns {Watching} */
function alone(url, tell) {
  const hub = createHub(url, () => {})
  const end = present(
    () => hub.here(hub, tell),
    () => {},
  )
  return {
    retry: hub.retry,
    close() {
      end()
      hub.close()
    },
  }
}

/**
 * Watches a stream together with the other tabs of this browser.
 * @param {string} url @param {(told: Told) => void} tell @returns {Watching}
 */
export function watch(url, tell) {
  if ('SharedWorker' in globalThis) return throughWorker(url, tell)
  if (navigator.locks && 'BroadcastChannel' in globalThis) return throughLeader(url, tell)
  return alone(url, tell)
}
