import { get, may, Problem } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { useDraft } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Note } from '/assets/states.js'
import { toast } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'
import { changeCount, pathOf } from './count-actions.js'
import { CountFields, MetadataField, readFields } from './count-fields.js'

/** @typedef {import('./types.js').Count} Count */

const text = (/** @type {number | null} */ bound) => (bound === null ? '' : String(bound))
const typedOf = (/** @type {Count} */ count) => ({
  name: count.name,
  description: count.description,
  unit: count.unit,
  tags: count.tags,
  min: text(count.min),
  max: text(count.max),
  metadata: Object.keys(count.metadata).length > 0 ? JSON.stringify(count.metadata, null, 2) : '',
})

/** What differs from the count as it is. @param {Count} count @param {Record<string, unknown>} fields @returns {Partial<Count>} */
function changesOf(count, fields) {
  /** @type {Record<string, unknown>} */
  const before = { ...count }
  return Object.fromEntries(
    Object.entries(fields).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key])),
  )
}

/** @param {Count} count @param {Partial<Count>} changed */
function formerOf(count, changed) {
  /** @type {Record<string, unknown>} */
  const before = { ...count }
  return Object.fromEntries(Object.keys(changed).map((key) => [key, before[key]]))
}

/**
 * Everything about a count but its value and status. Only what was typed is sent, with the revision that it was typed over: when
 * somebody else was faster, that is told, and saving again keeps theirs in the other fields.
 * @param {{ count: Count, onDone: () => void }} props
 */
export function SettingsTab({ count, onDone }) {
  const [base, setBase] = useState(count)
  const { values, set, clear, changed } = useDraft(`settings ${count.id}`, typedOf(base))
  const [conflict, setConflict] = useState(false)
  // Until something is typed, the form follows what others change.
  if (!changed && base.revision !== count.revision) setBase(count)
  const form = useSubmit(async () => {
    const change = changesOf(base, readFields(values))
    try {
      const saved = await changeCount(base, change)
      const undo = async () => {
        await changeCount(saved, formerOf(base, change))
        toast(t('settings.undone'))
        onDone()
      }
      clear()
      setBase(saved)
      setConflict(false)
      toast(t('settings.done'), { undo })
      onDone()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (error.status === 412) {
        setBase(await get(pathOf(count.id)))
        setConflict(true)
        return
      }
      if (error.name === 'out-of-bounds')
        throw new FieldFault({ ['max' in change ? 'max' : 'min']: t('settings.bound') })
      throw error
    }
  })
  const fields = { values, set, errors: form.errors, disabled: !may('editor') }
  const discard = () => {
    clear()
    setConflict(false)
  }
  return html`
    <form class="card narrow-form" onSubmit=${form.submit} novalidate>
      ${!may('editor') && html`<${Note}>${t('state.readOnly')}<//>`}
      ${conflict && html`<div role="alert"><${Note} tone="warn">${t('settings.conflict', { name: count.name })}<//></div>`}
      <${FormError} ...${form} />
      <${CountFields} ...${fields} />
      <${MetadataField} ...${fields} />
      ${
        may('editor') &&
        html`<div class="actions">
          <${Button} kind="primary" type="submit" busy=${form.busy} disabled=${!changed}>${t('settings.save')}<//>
          ${changed && html`<${Button} onClick=${discard}>${t('settings.discard')}<//>`}
        </div>`
      }
    </form>`
}
