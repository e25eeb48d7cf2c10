import { request } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { Dialog, FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { Field, numberOf } from '/assets/field.js'
import { change, number } from '/assets/format.js'
import { useDraft } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { toast } from '/assets/toast.js'
import { html } from '/assets/vendor/preact.js'
import { boundsOf } from './bounds.js'
import { pathOf, undoLast } from './count-actions.js'

/** @typedef {import('./types.js').Count} Count */

/** What is typed, if it can be the value. @param {Count} count @param {{ value: string, reason: string }} typed */
function bodyOf(count, typed) {
  const value = numberOf(typed.value)
  /** @type {Record<string, string>} */
  const faults = {}
  if (value === null) faults.value = t('field.required')
  else if (Number.isNaN(value)) faults.value = t('field.number')
  else if ((count.min !== null && value < count.min) || (count.max !== null && value > count.max))
    faults.value = t('correct.outside', { bounds: boundsOf(count) })
  if (typed.reason.trim() === '') faults.reason = t('field.required')
  if (Object.keys(faults).length > 0) throw new FieldFault(faults)
  return { value: value ?? 0, reason: typed.reason.trim() }
}

/** Sets a value by hand: before → after stands there before it is done, and a reason is asked for. @param {{ count: Count, onClose: () => void, onDone: () => void }} props */
export function Correction({ count, onClose, onDone }) {
  const { values, set, clear } = useDraft(`correct ${count.id}`, { value: '', reason: '' })
  const form = useSubmit(async () => {
    const body = bodyOf(count, values)
    await request('PUT', `${pathOf(count.id)}/value`, { body })
    clear()
    const undo = async () => {
      await undoLast(count.id)
      toast(t('correct.undone'))
      onDone()
    }
    toast(t('correct.done', { value: number(body.value) }), { undo })
    onDone()
    onClose()
  })
  const next = numberOf(values.value)
  const readable = next !== null && !Number.isNaN(next)
  return html`
    <${Dialog} title=${t('correct.title')} onClose=${onClose}>
      <form onSubmit=${form.submit} novalidate>
        <${FormError} ...${form} />
        <${Field} name="value" kind="number" label=${t('correct.new')} value=${values.value} error=${form.errors.value} required focus
          onInput=${(/** @type {string} */ value) => set({ value })} />
        <div class="before-after" aria-live="polite">
          <span class="muted">${t('correct.before')}</span><b>${number(count.value)}</b>
          <span class="muted">${t('correct.after')}</span><b>${readable ? number(next) : '–'}</b>
          <span class="muted">${t('correct.difference')}</span>
          <span>${readable && count.value !== null ? change(next - count.value) : '–'}</span>
        </div>
        <${Field} name="reason" label=${t('correct.reason')} value=${values.reason} error=${form.errors.reason} required
          hint=${t('correct.reason.hint')} onInput=${(/** @type {string} */ reason) => set({ reason })} />
        <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//>
          <${Button} kind="primary" type="submit" busy=${form.busy}>${t('one.correct')}<//></footer>
      </form>
    <//>`
}
