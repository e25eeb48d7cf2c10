import { get, request } from '/assets/api.js'
import { Badge, Button, CopyButton } from '/assets/controls.js'
import { Dialog, FormError, useSubmit } from '/assets/dialog.js'
import { Field, WordsField } from '/assets/field.js'
import { dateTime } from '/assets/format.js'
import { useLoad } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Loading, Note } from '/assets/states.js'
import { toast, toastError } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'
import { pathOf } from './board-actions.js'

/** @typedef {import('./types.js').Share} Share */

const lives = /** @type {const} */ (['never', 'day', 'week', 'month', 'until'])
const days = { day: 1, week: 7, month: 30 }

/** @param {string} life @param {string} until as typed @returns {string | null} */
function expiryOf(life, until) {
  if (life === 'never') return null
  if (life === 'until') return until ? new Date(until).toISOString() : null
  return new Date(Date.now() + days[/** @type {keyof typeof days} */ (life)] * 86_400_000).toISOString()
}

/** Links that show a dashboard to whoever has them. @param {{ dashboard: { id: string, name: string }, onClose: () => void }} props */
export function ShareDialog({ dashboard, onClose }) {
  const path = `${pathOf(dashboard.id)}/shares`
  const loaded = useLoad(path, (signal) => get(path, { signal }))
  const [made, setMade] = useState(/** @type {string | null} */ (null))
  const revoke = (/** @type {Share} */ share) =>
    request('DELETE', `${path}/${share.id}`)
      .then(() => toast(t('share.revoked', { name: share.name || t('share.unnamed') })), toastError)
      .then(loaded.reload)
  const done = (/** @type {{ token: string }} */ { token }) => {
    setMade(`${location.origin}/dashboards/share/${token}`)
    loaded.reload()
  }
  return html`<${Dialog} title=${t('share.title', { name: dashboard.name })} onClose=${onClose} wide>
    <div class="stack">
      ${made ? html`<${Made} url=${made} onMore=${() => setMade(null)} />` : html`<${CreateShare} path=${path} onMade=${done} />`}
      <section aria-label=${t('share.links')}><h3>${t('share.links')}</h3>
        <${Loading} loaded=${loaded} rows=${2} empty=${(/** @type {{ items: Share[] }} */ { items }) => items.length === 0 && html`<p class="muted">${t('share.none')}</p>`}>
          ${(/** @type {{ items: Share[] }} */ { items }) =>
            html`<ul class="shares">${items.map(
              (share) => html`<li key=${share.id}><div><b>${share.name || t('share.unnamed')}</b>
              <small>${t('share.made', { time: dateTime(share.createdAt), name: share.createdBy })} ·
                ${share.expiresAt ? t('share.until', { time: dateTime(share.expiresAt) }) : t('share.forever')}
                ${share.frameAncestors.length > 0 && ` · ${t('share.embed', { origins: share.frameAncestors.join(', ') })}`}</small></div>
              ${share.expired && html`<${Badge} tone="warn">${t('share.expired')}<//>`}
              <${Button} kind="danger" small onClick=${() => revoke(share)}>${t('share.revoke')}<span class="unseen"> ${share.name}</span><//></li>`,
            )}</ul>`}
        <//></section>
    </div><//>`
}

/** @param {{ path: string, onMade: (share: { token: string }) => void }} props */
function CreateShare({ path, onMade }) {
  const [name, setName] = useState('')
  const [life, setLife] = useState('never')
  const [until, setUntil] = useState('')
  const [origins, setOrigins] = useState(/** @type {string[]} */ ([]))
  const form = useSubmit(async () => {
    const body = { name: name.trim(), expiresAt: expiryOf(life, until), frameAncestors: origins }
    onMade(await request('POST', path, { body }))
  })
  const options = lives.map((value) => ({ value, label: t(`share.life.${value}`) }))
  return html`<form onSubmit=${form.submit} novalidate>
    <p class="prose">${t('share.what')}</p>
    <${FormError} ...${form} />
    <div class="pair">
      <${Field} name="name" label=${t('share.name')} value=${name} onInput=${setName} error=${form.errors.name} hint=${t('share.name.hint')} focus />
      <${Field} name="life" kind="select" plain label=${t('share.life')} value=${life} options=${options} onInput=${setLife} />
    </div>
    ${life === 'until' && html`<${Field} name="until" kind="datetime-local" plain label=${t('share.life.until')} value=${until} onInput=${setUntil} error=${form.errors.expiresAt} />`}
    <${WordsField} name="origins" label=${t('share.origins')} values=${origins} onChange=${setOrigins} error=${form.errors.frameAncestors && t('share.origins.wrong')}
      hint=${t('share.origins.hint')} placeholder="https://wiki.example" />
    <div class="row-end"><${Button} kind="primary" type="submit" busy=${form.busy}>${t('share.create')}<//></div></form>`
}

/** The one time that a link is seen. @param {{ url: string, onMore: () => void }} props */
function Made({ url, onMore }) {
  const embed = `<iframe src="${url}" width="100%" height="600"></iframe>`
  const copied = () => toast(t('action.copied'))
  return html`<div class="stack" role="status">
    <${Note} tone="warn">${t('share.once')}<//>
    <div><h3>${t('share.link')}</h3><div class="secret"><code>${url}</code><${CopyButton} text=${url} onCopied=${copied} /></div></div>
    <div><h3>${t('share.wall')}</h3><div class="secret"><code>${`${url}?wall=1`}</code><${CopyButton} text=${`${url}?wall=1`} onCopied=${copied} /></div></div>
    <div><h3>${t('share.frame')}</h3><div class="secret"><code>${embed}</code><${CopyButton} text=${embed} onCopied=${copied} /></div></div>
    <div class="row-end"><${Button} onClick=${onMore}>${t('share.another')}<//></div></div>`
}
