import { get, request } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { Dialog, FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { Field } from '/assets/field.js'
import { useDraft, useLoad } from '/assets/hooks.js'
import { language, t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'
import { CountPicker, faultOf } from './count-picker.js'
import { boardPath } from './site.js'

/** @typedef {import('./types.js').Template} Template */
/** @typedef {import('./types.js').CountSelection} CountSelection */

/** A new dashboard: empty, or from a template for some counts. @param {{ onClose: () => void }} props */
export function CreateDialog({ onClose }) {
  const { values, set, clear } = useDraft('create-dashboard', {
    name: '',
    template: '',
    counts: /** @type {CountSelection} */ ({ ids: [] }),
  })
  const loaded = useLoad('templates', (signal) => get('/dashboards/templates', { signal }))
  /** @type {Template[]} */
  const templates = loaded.data?.items ?? []
  const chosen = templates.find(({ id }) => id === values.template)
  const takes = (chosen?.takes.length ?? 0) > 0
  const form = useSubmit(async () => {
    const name = values.name.trim()
    const fault = takes ? faultOf(values.counts) : undefined
    if (!name || fault)
      throw new FieldFault({ ...(!name && { name: t('field.required') }), ...(fault && { counts: fault }) })
    const made = chosen
      ? await request('POST', `/dashboards/templates/${chosen.id}`, {
          body: { name, language: language(), ...(takes && { counts: values.counts }) },
        })
      : await request('POST', '/dashboards', { body: { name } })
    clear()
    location.assign(`${boardPath(made.id)}&edit=1`)
  })
  const options = [{ id: '', name: t('create.blank'), description: t('create.blank.what') }].concat(
    templates.map(({ id, name, description }) => ({
      id,
      name: name[language()],
      description: description[language()],
    })),
  )
  return html`<${Dialog} title=${t('boards.new')} onClose=${onClose} wide>
    <form onSubmit=${form.submit} novalidate>
      <${FormError} ...${form} />
      <${Field} name="name" label=${t('boards.name')} value=${values.name} error=${form.errors.name} required focus
        onInput=${(/** @type {string} */ name) => set({ name })} />
      <fieldset><legend>${t('create.template')}</legend>
        <div class="choices">${options.map(
          ({ id, name, description }) => html`<label key=${id} class="choice">
            <input type="radio" name="template" value=${id} checked=${values.template === id} onChange=${() => set({ template: id })} />
            <span><b>${name}</b><small>${description}</small></span></label>`,
        )}</div></fieldset>
      ${takes && html`<${CountPicker} value=${values.counts} error=${form.errors.counts} onChange=${(/** @type {CountSelection} */ counts) => set({ counts })} />`}
      <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//>
        <${Button} kind="primary" type="submit" busy=${form.busy}>${t('create.action')}<//></footer>
    </form><//>`
}
