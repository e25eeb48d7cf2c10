// Its own small graph of modules: the stream begins while the rest of the page is still loading.
import { watch } from './tabs.js'

/** The stream of the dashboard that this page is about, by its address: a share link's token, else an id. */
export function streamHere() {
  const { pathname, search } = location
  const [, token] = /^\/dashboards\/share\/([^/]*)$/.exec(pathname) ?? []
  const path =
    token === undefined ? encodeURIComponent(new URLSearchParams(search).get('id') ?? '') : `shared/${token}`
  return `/api/v1/dashboards/${path}/stream`
}

/** @typedef {import('./hub.js').Told} Told */

const begun = streamHere()
/** @type {Told[]} */
const early = []
/** @type {(told: Told) => void} */
let listener = (told) => early.push(told)
/** @type {import('./tabs.js').Watching | null} */
let watching = watch(begun, (told) => listener(told))

/** Watches a stream: the one that has begun already, the first time. @param {string} url @param {(told: Told) => void} tell */
export function join(url, tell) {
  const joined = watching
  if (url !== begun || !joined) return watch(url, tell)
  watching = null
  listener = tell
  for (const told of early.splice(0)) tell(told)
  return joined
}
