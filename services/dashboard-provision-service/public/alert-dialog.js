import { request } from '/assets/api.js'
import { Button, CopyButton } from '/assets/controls.js'
import { Dialog, FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { Field } from '/assets/field.js'
import { t } from '/assets/i18n.js'
import { Note } from '/assets/states.js'
import { toast } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'
import { CountPicker } from './count-picker.js'

/** @typedef {import('./types.js').AlertView} Alert */
/** @typedef {import('./types.js').CountSelection} CountSelection */

const blank = {
  name: '',
  counts: /** @type {string[]} */ ([]),
  kind: 'above',
  at: '',
  by: '',
  withinS: '60',
  every: '60',
  direction: 'any',
  hysteresis: '',
  url: '',
}

/** @param {Alert | undefined} alert @returns {typeof blank} */
function typedOf(alert) {
  if (!alert) return blank
  const { name, count, condition, webhook } = alert
  const common = {
    ...blank,
    name,
    counts: [count],
    kind: condition.kind,
    hysteresis: condition.hysteresis ? String(condition.hysteresis) : '',
    url: webhook?.url ?? '',
  }
  if (condition.kind !== 'changes') return { ...common, at: String(condition.at) }
  const unit = condition.withinS % 3600 === 0 ? 3600 : condition.withinS % 60 === 0 ? 60 : 1
  return {
    ...common,
    by: String(condition.by),
    withinS: String(condition.withinS / unit),
    every: String(unit),
    direction: condition.direction,
  }
}

/** @param {string} text NaN for what is no number */
const parse = (text) => (text.trim() === '' ? Number.NaN : Number(text.replaceAll(',', '').replace('−', '-')))

/** @param {typeof blank} typed */
function bodyOf(typed) {
  const hysteresis = typed.hysteresis.trim() === '' ? 0 : parse(typed.hysteresis)
  const changes = typed.kind === 'changes'
  const numbers = changes ? { by: parse(typed.by), withinS: parse(typed.withinS) } : { at: parse(typed.at) }
  /** @type {Record<string, string>} */
  const faults = {}
  if (typed.name.trim() === '') faults.name = t('field.required')
  if (typed.counts.length !== 1) faults.count = t('alerts.count.one')
  for (const [name, value] of Object.entries({ ...numbers, hysteresis }))
    if (!Number.isFinite(value)) faults[name] = t('edit.number')
  if (Object.keys(faults).length > 0) throw new FieldFault(faults)
  return {
    name: typed.name.trim(),
    count: typed.counts[0],
    condition: changes
      ? {
          kind: typed.kind,
          by: numbers.by,
          withinS: Math.round((numbers.withinS ?? 0) * Number(typed.every)),
          direction: typed.direction,
          hysteresis,
        }
      : { kind: typed.kind, ...numbers, hysteresis },
    webhook: typed.url.trim() ? { url: typed.url.trim() } : null,
  }
}

/** A rule, new or changed. @param {{ alert?: Alert, onClose: () => void, onDone: (saved: { secret: string | null }) => void }} props */
export function AlertDialog({ alert, onClose, onDone }) {
  const [typed, setTyped] = useState(() => typedOf(alert))
  const set = (/** @type {Partial<typeof blank>} */ part) => setTyped((old) => ({ ...old, ...part }))
  const form = useSubmit(async () => {
    const body = bodyOf(typed)
    const saved = alert
      ? await request('PUT', `/alerts/${alert.id}`, { body: { ...body, enabled: alert.enabled } })
      : await request('POST', '/alerts', { body })
    toast(t('alerts.saved', { name: saved.name }))
    onDone(saved)
  })
  const { errors } = form
  const text = (/** @type {keyof typeof blank} */ name) => ({
    name,
    value: typed[name],
    error: errors[name],
    onInput: (/** @type {string} */ value) => set({ [name]: value }),
  })
  const option = (/** @type {string} */ prefix) => (/** @type {string} */ value) => ({
    value,
    label: t(`${prefix}.${value}`),
  })
  return html`<${Dialog} title=${alert ? t('alerts.edit') : t('alerts.new')} onClose=${onClose} wide>
    <form onSubmit=${form.submit} novalidate>
      <${FormError} ...${form} />
      <${Field} ...${text('name')} label=${t('alerts.name')} required focus />
      <${CountPicker} single value=${{ ids: typed.counts }} error=${errors.count} onChange=${(/** @type {CountSelection} */ { ids = [] }) => set({ counts: ids.slice(-1) })} />
      <${Field} ...${text('kind')} kind="select" plain label=${t('alerts.kind')} options=${['above', 'below', 'changes'].map(option('alerts.kind'))} error=${errors.condition} />
      ${
        typed.kind === 'changes'
          ? html`<div class="pair"><${Field} ...${text('by')} label=${t('alerts.by')} required />
              <${Field} ...${text('direction')} kind="select" plain label=${t('alerts.direction')} options=${['any', 'up', 'down'].map(option('alerts.direction'))} /></div>
            <div class="pair"><${Field} ...${text('withinS')} label=${t('alerts.within')} required />
              <${Field} ...${text('every')} kind="select" plain label=${t('alerts.every')} options=${['1', '60', '3600'].map(option('alerts.every'))} /></div>`
          : html`<${Field} ...${text('at')} label=${t('alerts.at')} required />`
      }
      <${Field} ...${text('hysteresis')} label=${t('alerts.hysteresis')} hint=${t('alerts.hysteresis.hint')} />
      <${Field} ...${text('url')} label=${t('alerts.url')} error=${errors.webhook && t('alerts.url.wrong')} hint=${t('alerts.url.hint')} mono />
      <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//><${Button} kind="primary" type="submit" busy=${form.busy}>${t('action.save')}<//></footer>
    </form><//>`
}

/** The one time that a webhook's secret is seen. @param {{ secret: string, onClose: () => void }} props */
export const SecretDialog = ({
  secret,
  onClose,
}) => html`<${Dialog} title=${t('alerts.secret.title')} onClose=${onClose}>
  <div class="stack"><${Note} tone="warn">${t('alerts.secret')}<//>
    <div class="secret"><code>${secret}</code><${CopyButton} text=${secret} onCopied=${() => toast(t('action.copied'))} /></div>
    <footer><${Button} kind="primary" onClick=${onClose}>${t('alerts.secret.done')}<//></footer></div><//>`
