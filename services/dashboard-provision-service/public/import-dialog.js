import { request } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { Dialog, FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { Field } from '/assets/field.js'
import { t } from '/assets/i18n.js'
import { html, useState } from '/assets/vendor/preact.js'
import { boardPath } from './site.js'

/** A dashboard from a file, or from what was pasted. @param {{ onClose: () => void }} props */
export function ImportDialog({ onClose }) {
  const [text, setText] = useState('')
  const form = useSubmit(async () => {
    /** @type {unknown} */
    let body
    try {
      body = JSON.parse(text)
    } catch {
      throw new FieldFault({ file: t('import.notJson') })
    }
    const made = await request('POST', '/dashboards/import', { body })
    location.assign(boardPath(made.id))
  })
  const read = async (/** @type {{ currentTarget: HTMLInputElement }} */ { currentTarget }) => {
    const [file] = currentTarget.files ?? []
    if (file) setText(await file.text())
  }
  const refused = /** @type {import('/assets/api.js').Problem | undefined} */ (form.error)
  return html`<${Dialog} title=${t('import.title')} onClose=${onClose} wide>
    <form onSubmit=${form.submit} novalidate>
      <${FormError} ...${form} />
      <label class="drop"><span>${t('import.choose')}</span><input type="file" accept="application/json,.json" onChange=${read} /></label>
      <${Field} name="file" kind="textarea" label=${t('import.text')} value=${text} onInput=${setText} error=${form.errors.file} mono required />
      ${refused?.errors?.length && html`<ul class="faults">${refused.errors.slice(0, 8).map(({ path, message }) => html`<li key=${path}><code>${path}</code> <span lang="en">${message}</span></li>`)}</ul>`}
      <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//>
        <${Button} kind="primary" type="submit" busy=${form.busy}>${t('import.action')}<//></footer>
    </form><//>`
}
