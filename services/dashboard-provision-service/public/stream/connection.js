import { createParser } from '/assets/vendor/eventsource-parser/parse.js'
import { silentMs } from './trust.js'

/** @typedef {import('../types.js').FrameName} FrameName */
/**
 * What is known of a stream: `at` is since when it is in its state, `heardAt` when the last frame came (both ms, this machine's
 * clock), which every look at it compares with now: a sign that only listened to events would say live after a night asleep.
 * @typedef {{ state: 'connecting' | 'live' | 'reconnecting' | 'signed-out' | 'gone', at: number, heardAt: number | null }} Link
 */

const firstWaitMs = 500
const longestWaitMs = 5000
/** How long to leave what was refused alone, more each time: a dashboard may be restored, a session may come back. */
const firstRefusedMs = 1000
const refusedWaitMs = 60_000

/** @param {number} status */
const refusal = (status) =>
  status === 401 ? 'signed-out' : [403, 404, 410].includes(status) ? 'gone' : 'reconnecting'

/**
 * Reads a stream for as long as it is wanted, through whatever happens: it connects again for ever, each wait drawn at
 * random below a bound that doubles up to 5 s, so that a thousand walls do not return in one moment.
 * @param {string} url
 * @param {{ onFrame: (name: FrameName, data: any) => void, onLink: (link: Link) => void }} listener
 * @returns {{ retry: () => void, close: () => void }} `retry`: do not wait any longer
 */
export function connect(url, { onFrame, onLink }) {
  const closing = new AbortController()
  /** @type {Link} */
  let link = { state: 'connecting', at: Date.now(), heardAt: null }
  let lastId = ''
  let askedWaitMs = 0
  let failures = 0
  /** Told that there is nothing more to come: the answer to another call says why. */
  let dismissed = false
  let hurry = () => {}
  /** Ends the attempt under way. */
  let attempt = new AbortController()

  /** @param {Pick<Link, 'state'> & Partial<Link>} change */
  const tell = (change) => {
    const at = change.state === link.state ? link.at : Date.now()
    link = { ...link, at, ...change }
    onLink(link)
  }

  /** @param {number} ms */
  const pause = (ms) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      hurry = () => {
        clearTimeout(timer)
        resolve(undefined)
      }
    })

  function parser() {
    return createParser({
      onId: (id) => {
        lastId = id
      },
      onRetry: (ms) => {
        askedWaitMs = ms
      },
      onEvent: ({ event, data }) => {
        const name = /** @type {FrameName} */ (event ?? 'message')
        failures = 0
        if (name === 'gone') {
          dismissed = true
          return
        }
        onFrame(name, JSON.parse(data))
        tell({ state: 'live', heardAt: Date.now() })
      },
    })
  }

  /** @param {AbortSignal} signal @returns {Promise<'signed-out' | 'gone' | 'reconnecting'>} why it ended */
  async function read(signal) {
    const headers = { accept: 'text/event-stream', ...(lastId && { 'last-event-id': lastId }) }
    const response = await fetch(url, { headers, cache: 'no-store', signal })
    if (!response.ok || !response.body) return refusal(response.status)
    const frames = parser()
    const text = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await text.read()
      if (done) return 'reconnecting'
      heard = Date.now()
      frames.feed(value)
    }
  }

  let heard = Date.now()
  // Timers stand still while a machine sleeps: the clock is looked at, not counted.
  const watch = setInterval(() => {
    if (Date.now() - heard > silentMs) attempt.abort()
  }, 1000)

  async function run() {
    while (!closing.signal.aborted) {
      attempt = new AbortController()
      heard = Date.now()
      const signal = AbortSignal.any([closing.signal, attempt.signal])
      const ended = await read(signal).catch(() => /** @type {const} */ ('reconnecting'))
      attempt.abort()
      if (closing.signal.aborted) break
      if (!dismissed && link.state !== ended) tell({ state: ended })
      dismissed = false
      const bound = Math.min(longestWaitMs, firstWaitMs * 2 ** failures++)
      const refusedMs = Math.min(refusedWaitMs, firstRefusedMs * 2 ** failures)
      await pause(ended === 'reconnecting' ? askedWaitMs + Math.random() * bound : refusedMs)
      askedWaitMs = 0
    }
  }

  const retry = () => hurry()
  addEventListener('online', retry)
  run()
  return {
    retry,
    close() {
      closing.abort()
      hurry()
      clearInterval(watch)
      removeEventListener('online', retry)
    },
  }
}
