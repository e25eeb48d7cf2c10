import { useCallback, useEffect, useRef, useState } from '/assets/vendor/preact.js'
import { Problem } from './api.js'
import { session as kept } from './storage.js'

/**
 * @template T
 * @typedef {{ data: T | undefined, error: unknown, at: number | undefined, reload: () => void, set: (data: T) => void }} Loaded
 * `error` with `data`: what is shown is of `at` (ms), and is asked for again by itself.
 */

/**
 * Loads now, again when `key` changes, and each `every` ms while the page is visible; an error slows it down.
 * @template T
 * @param {string | null} key what is asked for; null asks nothing
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {number} [every] ms; absent: once
 * @returns {Loaded<T>}
 */
export function useLoad(key, load, every) {
  const [state, setState] = useState(
    /** @returns {{ key: string | null, data?: T, error?: unknown, at?: number }} */ () => ({ key }),
  )
  const [turn, setTurn] = useState(0)
  const latest = useRef(load)
  latest.current = load
  useEffect(() => {
    if (key === null) return
    const end = new AbortController()
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    let failures = 0
    let busy = false
    const run = async () => {
      if (busy || end.signal.aborted || document.hidden) return
      busy = true
      clearTimeout(timer)
      try {
        const data = await latest.current(end.signal)
        failures = 0
        if (!end.signal.aborted) setState({ key, data, at: Date.now() })
      } catch (error) {
        if (end.signal.aborted) return
        failures++
        setState((old) => (old.key === key ? { ...old, error } : { key, error }))
      } finally {
        busy = false
      }
      const final = failures > 0 && every === undefined
      if (!end.signal.aborted && every !== undefined && !final) {
        timer = setTimeout(run, Math.min(every * 2 ** failures, 10_000))
      }
    }
    run()
    document.addEventListener('visibilitychange', run)
    return () => {
      end.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', run)
    }
  }, [key, every, turn])
  const current = state.key === key ? state : { key, data: undefined, error: undefined, at: undefined }
  return {
    data: current.data,
    error: current.error,
    at: current.at,
    reload: useCallback(() => setTurn((n) => n + 1), []),
    set: (data) => setState({ key, data, at: Date.now() }),
  }
}

/** Whether the server cannot be reached. @param {unknown} error */
export const isOffline = (error) => error instanceof Problem && error.status === 0

/** Draws again each second, for relative times. @returns {number} ms */
export function useNow() {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}

/** The last of a value that has stood still for `ms`. @template T @param {T} value @param {number} ms @returns {T} */
export function useSettled(value, ms) {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}

const readUrl = () => Object.fromEntries(new URLSearchParams(location.search))

/**
 * The page's state in its address, so that it can be sent to somebody and survives a reload.
 * @returns {[Record<string, string>, (change: Record<string, string | null>) => void]}
 */
export function useUrl() {
  const [values, setValues] = useState(readUrl)
  useEffect(() => {
    const back = () => setValues(readUrl())
    addEventListener('popstate', back)
    return () => removeEventListener('popstate', back)
  }, [])
  const change = useCallback((/** @type {Record<string, string | null>} */ next) => {
    const params = new URLSearchParams(location.search)
    for (const [key, value] of Object.entries(next)) {
      if (value === null || value === '') params.delete(key)
      else params.set(key, value)
    }
    const text = params.toString()
    history.replaceState(null, '', text ? `?${text}` : location.pathname)
    setValues(readUrl())
  }, [])
  return [values, change]
}

/**
 * What was typed into a form, kept in this tab through errors, session end and reload, until it is `clear`ed. Secrets do
 * not belong here.
 * @template {Record<string, unknown>} T
 * @param {string} name @param {T} initial
 * @returns {{ values: T, set: (change: Partial<T>) => void, clear: () => void, changed: boolean }}
 */
export function useDraft(name, initial) {
  const key = `count.draft.${name}`
  const [typed, setTyped] = useState(/** @returns {Partial<T>} */ () => JSON.parse(kept.get(key) ?? '{}'))
  const set = (/** @type {Partial<T>} */ change) =>
    setTyped((old) => {
      const next = { ...old, ...change }
      kept.set(key, JSON.stringify(next))
      return next
    })
  const clear = () => {
    kept.set(key, null)
    setTyped({})
  }
  const changed = Object.entries(typed).some(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(initial[field]),
  )
  return { values: { ...initial, ...typed }, set, clear, changed }
}

/** Keyboard shortcuts of a page; not while typing. @param {Record<string, (event: KeyboardEvent) => void>} keys */
export function useKeys(keys) {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
      const typing =
        event.target instanceof HTMLElement &&
        event.target.matches('textarea, select, input:not([type=checkbox])')
      if (!typing) latest.current[event.key]?.(event)
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
}
