import { Problem, request } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { Dialog, FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { Field, numberOf } from '/assets/field.js'
import { useDraft } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { toast } from '/assets/toast.js'
import { html } from '/assets/vendor/preact.js'
import { deleteCount } from './count-actions.js'
import { CountFields, MetadataField, readFields } from './count-fields.js'

const blank = {
  id: '',
  name: '',
  description: '',
  unit: '',
  tags: /** @type {string[]} */ ([]),
  min: '',
  max: '',
  initialValue: '',
  metadata: '',
}

/** @param {typeof blank} typed */
function bodyOf(typed) {
  /** @type {Record<string, string>} */
  const faults = {}
  const id = typed.id.trim()
  const initialValue = numberOf(typed.initialValue) ?? 0
  if (id === '') faults.id = t('field.required')
  else if (!/^[a-z0-9][a-z0-9._:-]{0,127}$/.test(id)) faults.id = t('field.id')
  if (Number.isNaN(initialValue)) faults.initialValue = t('field.number')
  const fields = readFields({ ...typed, name: typed.name || id }, faults)
  const outside =
    (fields.min !== null && initialValue < fields.min) || (fields.max !== null && initialValue > fields.max)
  if (outside) throw new FieldFault({ initialValue: t('create.outside') })
  return { id, initialValue, ...fields }
}

/** @param {{ onClose: () => void, onCreated: () => void }} props */
export function CreateCount({ onClose, onCreated }) {
  const { values, set, clear } = useDraft('create-count', blank)
  const form = useSubmit(async () => {
    const body = bodyOf(values)
    try {
      const count = await request('POST', '/admin/counts', { body })
      const undo = async () => {
        await deleteCount(count)
        onCreated()
      }
      toast(t('create.done', { name: count.name }), { undo })
    } catch (error) {
      if (error instanceof Problem && error.name === 'already-exists')
        throw new FieldFault({ id: t('create.exists') })
      throw error
    }
    clear()
    onCreated()
    onClose()
  })
  return html`
    <${Dialog} title=${t('create.title')} onClose=${onClose}>
      <form onSubmit=${form.submit} novalidate>
        <${FormError} ...${form} />
        <${Field} name="id" label=${t('count.id')} value=${values.id} error=${form.errors.id} hint=${t('create.id.hint')} required
          focus mono onInput=${(/** @type {string} */ id) => set({ id })} />
        <${CountFields} values=${values} set=${set} errors=${form.errors} />
        <${Field} name="initialValue" kind="number" label=${t('count.initialValue')} value=${values.initialValue}
          error=${form.errors.initialValue} onInput=${(/** @type {string} */ initialValue) => set({ initialValue })} />
        <${MetadataField} values=${values} set=${set} errors=${form.errors} />
        <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//>
          <${Button} kind="primary" type="submit" busy=${form.busy}>${t('create.action')}<//></footer>
      </form>
    <//>`
}
