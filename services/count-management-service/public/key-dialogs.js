import { request } from '/assets/api.js'
import { Button, CopyButton } from '/assets/controls.js'
import { Dialog, FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { Checkbox, Field, numberOf, WordsField } from '/assets/field.js'
import { useDraft } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Note } from '/assets/states.js'
import { toast } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'

/** @typedef {import('./types.js').Key} Key */

const scopes = ['counts:read', 'counts:write']
const blank = {
  name: '',
  scopes: /** @type {string[]} */ (['counts:read', 'counts:write']),
  prefixes: /** @type {string[]} */ ([]),
  expiresAt: '',
  rateLimit: '',
}

/** @param {typeof blank} typed */
function bodyOf(typed) {
  const rateLimit = numberOf(typed.rateLimit)
  /** @type {Record<string, string>} */
  const faults = {}
  if (typed.name.trim() === '') faults.name = t('field.required')
  if (typed.scopes.length === 0) faults.scopes = t('keys.scopes.missing')
  if (typed.prefixes.some((prefix) => !/^[a-z0-9][a-z0-9._:-]{0,127}$/.test(prefix)))
    faults.prefixes = t('field.id')
  if (Number.isNaN(rateLimit)) faults.rateLimit = t('field.number')
  if (Object.keys(faults).length > 0) throw new FieldFault(faults)
  return {
    name: typed.name.trim(),
    scopes: typed.scopes,
    ...(typed.prefixes.length > 0 && { prefixes: typed.prefixes }),
    ...(typed.expiresAt && { expiresAt: new Date(typed.expiresAt).toISOString() }),
    ...(rateLimit !== null && { rateLimit }),
  }
}

/** @param {{ onClose: () => void, onMade: (key: Key & { key: string }) => void }} props */
export function CreateKey({ onClose, onMade }) {
  const { values, set, clear } = useDraft('create-key', blank)
  const form = useSubmit(async () => {
    const key = await request('POST', '/admin/api-keys', { body: bodyOf(values) })
    clear()
    onMade(key)
  })
  const scopeSet = (/** @type {string} */ scope, /** @type {boolean} */ on) =>
    set({ scopes: scopes.filter((other) => (other === scope ? on : values.scopes.includes(other))) })
  return html`
    <${Dialog} title=${t('keys.new')} onClose=${onClose}>
      <form onSubmit=${form.submit} novalidate>
        <${FormError} ...${form} />
        <${Field} name="name" label=${t('keys.name')} value=${values.name} error=${form.errors.name} hint=${t('keys.name.hint')} required focus
          onInput=${(/** @type {string} */ name) => set({ name })} />
        <fieldset class=${form.errors.scopes ? 'wrong' : ''}><legend>${t('keys.scopes')}</legend>
          ${scopes.map(
            (
              scope,
            ) => html`<${Checkbox} key=${scope} label=${t(`keys.scope.${scope}`)} hint=${scope} checked=${values.scopes.includes(scope)}
              onChange=${(/** @type {boolean} */ on) => scopeSet(scope, on)} />`,
          )}
          ${form.errors.scopes && html`<p class="field-error">${form.errors.scopes}</p>`}
        </fieldset>
        <${WordsField} name="prefixes" label=${t('keys.prefixes')} values=${values.prefixes} error=${form.errors.prefixes}
          hint=${t('keys.prefixes.hint')} placeholder=${t('keys.prefixes.add')} onChange=${(/** @type {string[]} */ prefixes) => set({ prefixes })} />
        <div class="pair">
          <${Field} name="expiresAt" kind="datetime-local" label=${t('keys.expires')} value=${values.expiresAt} error=${form.errors.expiresAt}
            onInput=${(/** @type {string} */ expiresAt) => set({ expiresAt })} />
          <${Field} name="rateLimit" kind="number" label=${t('keys.rateLimit')} value=${values.rateLimit} error=${form.errors.rateLimit}
            onInput=${(/** @type {string} */ rateLimit) => set({ rateLimit })} />
        </div>
        <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//>
          <${Button} kind="primary" type="submit" busy=${form.busy}>${t('create.action')}<//></footer>
      </form>
    <//>`
}

const overlaps = ['3600', '86400', '604800', '0']

/** @param {{ of: Key, onClose: () => void, onMade: (key: Key & { key: string }) => void }} props */
export function RotateKey({ of: key, onClose, onMade }) {
  const [overlap, setOverlap] = useState('86400')
  const form = useSubmit(async () => {
    const body = { overlapSeconds: Number(overlap) }
    onMade(await request('POST', `/admin/api-keys/${key.id}/rotate`, { body }))
  })
  const options = overlaps.map((value) => ({ value, label: t(`keys.overlap.${value}`) }))
  return html`
    <${Dialog} title=${t('keys.rotate.title', { name: key.name })} onClose=${onClose}>
      <form onSubmit=${form.submit} novalidate>
        <${FormError} ...${form} />
        <div class="prose"><p>${t('keys.rotate.what')}</p></div>
        <${Field} name="overlap" kind="select" plain label=${t('keys.overlap')} value=${overlap} options=${options} onInput=${setOverlap} focus />
        <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//>
          <${Button} kind="primary" type="submit" busy=${form.busy}>${t('keys.rotate')}<//></footer>
      </form>
    <//>`
}

/** The one time that a key is seen. @param {{ text: string, onClose: () => void }} props */
export function ShownKey({ text, onClose }) {
  const example = `curl -X POST -H 'Authorization: Bearer ${text}' ${location.origin}/api/v1/counts/page.views/increment`
  const copied = () => toast(t('action.copied'))
  return html`
    <${Dialog} title=${t('keys.shown.title')} onClose=${onClose}>
      <div class="stack">
        <${Note} tone="warn">${t('keys.shown')}<//>
        <div><h3>${t('keys.shown.key')}</h3><div class="secret"><code>${text}</code><${CopyButton} text=${text} onCopied=${copied} /></div></div>
        <div><h3>${t('keys.shown.try')}</h3><div class="secret"><code>${example}</code><${CopyButton} text=${example} onCopied=${copied} /></div></div>
        <footer><${Button} kind="primary" onClick=${onClose}>${t('keys.shown.done')}<//></footer>
      </div>
    <//>`
}
