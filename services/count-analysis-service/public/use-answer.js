import { useCallback, useEffect, useRef, useState } from '/assets/vendor/preact.js'

/**
 * @template T
 * @typedef {{ data: T | undefined, error: unknown, at: number | undefined, busy: boolean, stopped: boolean, reload: () => void, stop: () => void }} Answer
 * `at`: when the data came, or when the question was asked (ms)
 */

/**
 * Asks once for each key; another key, or `stop`, takes the question back. What failed is asked again when the network is back.
 * @template T
 * @param {string | null} key null asks nothing
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @returns {Answer<T>}
 */
export function useAnswer(key, load) {
  const [state, setState] = useState(
    /** @returns {{ key: string | null, data?: T, error?: unknown, at?: number, busy?: boolean, stopped?: boolean }} */ () => ({
      key,
    }),
  )
  const [turn, setTurn] = useState(0)
  const latest = useRef(load)
  latest.current = load
  const running = useRef(/** @type {AbortController | null} */ (null))
  const reload = useCallback(() => setTurn((n) => n + 1), [])
  useEffect(() => {
    if (key === null) return
    const end = new AbortController()
    running.current = end
    setState((old) => ({ key, ...(old.key === key && { data: old.data }), at: Date.now(), busy: true }))
    latest.current(end.signal).then(
      (data) => end.signal.aborted || setState({ key, data, at: Date.now() }),
      (error) => end.signal.aborted || setState((old) => ({ ...old, error, busy: false })),
    )
    addEventListener('online', reload, { signal: end.signal })
    return () => end.abort()
  }, [key, turn])
  const stop = useCallback(() => {
    running.current?.abort()
    setState((old) => ({ ...old, busy: false, stopped: true }))
  }, [])
  const current = state.key === key ? state : { key, busy: key !== null }
  return {
    data: current.data,
    error: current.error,
    at: current.at,
    busy: current.busy ?? false,
    stopped: current.stopped ?? false,
    reload,
    stop,
  }
}
