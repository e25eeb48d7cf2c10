import { query } from '/assets/api.js'
import { Field } from '/assets/field.js'
import { PageHead } from '/assets/frame.js'
import { useSettled, useUrl } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { AuditList, actionName } from './audit-list.js'
import { SiteNav, startPage } from './site.js'
import { words } from './words.js'

/** All that is recorded has words; a beginning without an end is found by what it began. */
const actions = Object.keys(words)
  .flatMap((key) => /^action\.([a-z]+\.[a-z-]+)$/.exec(key)?.[1] ?? [])
  .filter((action) => !action.endsWith('-asked'))
const instant = (/** @type {string | undefined} */ local) =>
  local && !Number.isNaN(Date.parse(local)) ? new Date(local).toISOString() : undefined

function AuditPage() {
  const [url, setUrl] = useUrl()
  const [text, setText] = useState({ actor: url.actor ?? '', subject: url.subject ?? '' })
  const typed = useSettled(text, 250)
  useEffect(() => setUrl(typed), [typed])
  const filter = {
    actor: url.actor,
    action: url.action,
    subject: url.subject,
    from: instant(url.from),
    to: instant(url.to),
  }
  const exported = (/** @type {string} */ format) =>
    `/api/v1/admin/export/audit${query({ format, ...filter })}`
  const files = ['csv', 'ndjson'].map((format) => ({
    label: t(`audit.export.${format}`),
    href: exported(format),
  }))
  const choices = [
    { value: '', label: t('audit.any') },
    ...actions.map((action) => ({ value: action, label: actionName(action) })),
  ]
  const changed = (/** @type {string} */ key) => (/** @type {string} */ value) => setUrl({ [key]: value })
  return html`
    <${PageHead} title=${t('audit.title')} actions=${files} />
    <${SiteNav} current="audit" />
    <div class="filters" role="search">
      <${Field} plain name="actor" label=${t('audit.actor')} value=${text.actor} onInput=${(/** @type {string} */ actor) => setText({ ...text, actor })} />
      <${Field} plain name="subject" label=${t('audit.subject')} value=${text.subject}
        onInput=${(/** @type {string} */ subject) => setText({ ...text, subject })} />
      <${Field} plain name="action" kind="select" label=${t('audit.action')} value=${url.action ?? ''} options=${choices} onInput=${changed('action')} />
      <${Field} plain name="from" kind="datetime-local" label=${t('audit.from')} value=${url.from ?? ''} onInput=${changed('from')} />
      <${Field} plain name="to" kind="datetime-local" label=${t('audit.to')} value=${url.to ?? ''} onInput=${changed('to')} />
    </div>
    <${AuditList} filter=${filter} />`
}

startPage(AuditPage)
