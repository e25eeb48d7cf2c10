import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { Button } from './controls.js'
import { t } from './i18n.js'
import { Icon } from './icons.js'
import { told } from './problems.js'

/** @typedef {{ id: number, text: string, tone?: 'good' | 'bad', undo?: () => Promise<unknown> }} Toast */

const shownMs = 10_000
let last = 0
/** @type {Toast[]} */
let toasts = []
/** @type {Set<(toasts: Toast[]) => void>} */
const listeners = new Set()

/** @param {Toast[]} next */
function show(next) {
  toasts = next
  for (const listener of listeners) listener(next)
}
/** @param {number} id */
const dismiss = (id) => show(toasts.filter((other) => other.id !== id))

/**
 * Says what was done, for 10 s, and is announced; `undo` puts a button beside it.
 * @param {string} text @param {{ undo?: () => Promise<unknown>, tone?: 'good' | 'bad' }} [options]
 */
export function toast(text, options = {}) {
  show([...toasts.slice(-2), { id: ++last, text, ...options }])
}

/** Says what went wrong. @param {unknown} error */
export function toastError(error) {
  const { title, advice } = told(error)
  toast(`${title} ${advice}`.trim(), { tone: 'bad' })
}

/** @param {{ toast: Toast }} props */
function ToastView({ toast: { id, text, tone, undo } }) {
  const [held, setHeld] = useState(false)
  const [busy, setBusy] = useState(false)
  useEffect(() => {
    if (held) return
    const timer = setTimeout(() => dismiss(id), shownMs)
    return () => clearTimeout(timer)
  }, [held])
  const run = async () => {
    setBusy(true)
    try {
      await undo?.()
    } catch (error) {
      toastError(error)
    }
    dismiss(id)
  }
  return html`
    <div class=${`toast ${tone ?? ''}`} onPointerEnter=${() => setHeld(true)} onPointerLeave=${() => setHeld(false)}
      onFocusIn=${() => setHeld(true)} onFocusOut=${() => setHeld(false)}>
      <${Icon} name=${tone === 'bad' ? 'warn' : 'check'} /><span>${text}</span>
      ${undo && html`<${Button} small busy=${busy} onClick=${run}>${t('action.undo')}<//>`}
      <${Button} kind="plain" small label=${t('action.dismiss')} onClick=${() => dismiss(id)}><${Icon} name="close" /><//>
    </div>`
}

/** Where toasts appear; stands in the frame once. */
export function Toasts() {
  const [shown, setShown] = useState(toasts)
  useEffect(() => {
    listeners.add(setShown)
    // What was said before this stood.
    setShown(toasts)
    return () => void listeners.delete(setShown)
  }, [])
  return html`<div class="toasts" role="status" aria-live="polite">
    ${shown.map((toast) => html`<${ToastView} key=${toast.id} toast=${toast} />`)}
  </div>`
}
