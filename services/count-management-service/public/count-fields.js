import { get, query } from '/assets/api.js'
import { FieldFault } from '/assets/dialog.js'
import { Field, numberOf, WordsField } from '/assets/field.js'
import { useLoad } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'

/**
 * What is typed about a count; numbers as text.
 * @typedef {{ name: string, description: string, unit: string, tags: string[], min: string, max: string, metadata: string }} Typed
 */

/** @param {string} text */
function objectOf(text) {
  if (text.trim() === '') return {}
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * What the API takes of it.
 * @param {Typed} typed @param {Record<string, string>} [faults] found elsewhere in the form
 * @throws {FieldFault} at every field that cannot be read
 */
export function readFields(typed, faults = {}) {
  const [min, max] = [numberOf(typed.min), numberOf(typed.max)]
  const metadata = objectOf(typed.metadata)
  if (typed.name.trim() === '') faults.name = t('field.required')
  if (Number.isNaN(min)) faults.min = t('field.number')
  if (Number.isNaN(max)) faults.max = t('field.number')
  else if (min !== null && max !== null && max < min) faults.max = t('create.bounds')
  if (metadata === undefined) faults.metadata = t('settings.metadata.wrong')
  if (Object.keys(faults).length > 0) throw new FieldFault(faults)
  const { name, description, unit, tags } = typed
  return { name: name.trim(), description, unit: unit.trim(), tags, min, max, metadata }
}

/** @param {{ values: Typed, set: (change: Partial<Typed>) => void, errors: Record<string, string>, disabled?: boolean }} props */
export function CountFields({ values, set, errors, disabled }) {
  const known = useLoad('tags', (signal) => get(`/admin/tags${query({ limit: 100 })}`, { signal }))
  const of = (/** @type {'name' | 'description' | 'unit' | 'min' | 'max' | 'metadata'} */ name) => ({
    name,
    disabled,
    label: t(`count.${name}`),
    value: values[name],
    error: errors[name],
    onInput: (/** @type {string} */ value) => set({ [name]: value }),
  })
  return html`
    <${Field} ...${of('name')} required />
    <${Field} ...${of('description')} kind="textarea" />
    <${Field} ...${of('unit')} hint=${t('create.unit.hint')} />
    <${WordsField} name="tags" label=${t('count.tags')} values=${values.tags} error=${errors.tags} suggestions="known-tags"
      disabled=${disabled} onChange=${(/** @type {string[]} */ tags) => set({ tags })} />
    <datalist id="known-tags">${(known.data?.items ?? []).map(
      (/** @type {{ tag: string }} */ { tag }) => html`<option key=${tag} value=${tag}></option>`,
    )}</datalist>
    <div class="pair">
      <${Field} ...${of('min')} kind="number" hint=${t('create.bounds.hint')} />
      <${Field} ...${of('max')} kind="number" />
    </div>`
}

/** @param {{ values: Typed, set: (change: Partial<Typed>) => void, errors: Record<string, string>, disabled?: boolean }} props */
export const MetadataField = ({ values, set, errors, disabled }) => html`
  <${Field} name="metadata" label=${t('count.metadata')} kind="textarea" mono value=${values.metadata} error=${errors.metadata}
    disabled=${disabled} onInput=${(/** @type {string} */ metadata) => set({ metadata })} />`
