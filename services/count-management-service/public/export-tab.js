import { query } from '/assets/api.js'
import { LinkButton } from '/assets/controls.js'
import { Field } from '/assets/field.js'
import { t } from '/assets/i18n.js'
import { html, useState } from '/assets/vendor/preact.js'

const monthMs = 30 * 86_400_000
const day = (/** @type {number} */ at) => new Date(at).toISOString().slice(0, 16)
const granularities = ['hour', 'day']
const formats = ['csv', 'ndjson']

/** Plain links: the browser streams them to a file. */
export function ExportTab() {
  const [q, setQ] = useState('')
  const [range, setRange] = useState({
    from: day(Date.now() - monthMs),
    to: day(Date.now()),
    granularity: 'day',
  })
  const instant = (/** @type {string} */ local) =>
    Number.isNaN(Date.parse(local)) ? undefined : new Date(local).toISOString()
  const history = {
    from: instant(range.from),
    to: instant(range.to),
    granularity: range.granularity,
    q: q.trim(),
  }
  const links = (
    /** @type {string} */ what,
    /** @type {Record<string, string | undefined>} */ options,
  ) => html`
    <div class="actions">${formats.map(
      (
        format,
      ) => html`<${LinkButton} key=${format} download href=${`/api/v1/admin/export/${what}${query({ format, ...options })}`}>
        ${t(`export.${format}`)}<//>`,
    )}</div>`
  const options = granularities.map((value) => ({ value, label: t(`history.${value}`) }))
  return html`
    <div class="stack">
      <div class="filters"><${Field} plain name="q" label=${t('export.filter')} value=${q} onInput=${setQ} /></div>
      <section class="card stack"><div><h2>${t('export.counts')}</h2><p class="muted">${t('export.counts.what')}</p></div>
        ${links('counts', { q: q.trim() })}</section>
      <section class="card stack"><div><h2>${t('export.history')}</h2><p class="muted">${t('export.history.what')}</p></div>
        <div class="filters">
          <${Field} plain name="from" kind="datetime-local" label=${t('export.from')} value=${range.from}
            onInput=${(/** @type {string} */ from) => setRange({ ...range, from })} />
          <${Field} plain name="to" kind="datetime-local" label=${t('export.to')} value=${range.to}
            onInput=${(/** @type {string} */ to) => setRange({ ...range, to })} />
          <${Field} plain name="granularity" kind="select" label=${t('history.granularity')} value=${range.granularity} options=${options}
            onInput=${(/** @type {string} */ granularity) => setRange({ ...range, granularity })} />
        </div>
        ${links('history', history)}</section>
    </div>`
}
