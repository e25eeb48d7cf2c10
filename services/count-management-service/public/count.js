import { get, may } from '/assets/api.js'
import { Chart } from '/assets/chart.js'
import { Tabs } from '/assets/controls.js'
import { ago, change, dateTime, number } from '/assets/format.js'
import { PageHead } from '/assets/frame.js'
import { useLoad, useNow, useUrl } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Loading, Note } from '/assets/states.js'
import { Live } from '/assets/table.js'
import { html, useMemo, useState } from '/assets/vendor/preact.js'
import { AuditList } from './audit-list.js'
import { boundsOf } from './bounds.js'
import { Correction } from './correction.js'
import { pathOf } from './count-actions.js'
import { HistoryTab } from './count-history.js'
import { SettingsTab } from './count-settings.js'
import { Status } from './counts-table.js'
import { DangerZone } from './danger-zone.js'
import { SiteNav, startPage } from './site.js'

/** @typedef {import('./types.js').Count} Count */

function CountPage() {
  const [url, setUrl] = useUrl()
  const id = url.id ?? ''
  const loaded = useLoad(pathOf(id), (signal) => get(pathOf(id), { signal }), 1000)
  const [correcting, setCorrecting] = useState(false)
  /** @type {Count | undefined} */
  const count = loaded.data
  const back = { href: '/management/', label: t('counts.title') }
  const actions =
    count && may('editor')
      ? [{ label: t('one.correct'), primary: true, onSelect: () => setCorrecting(true) }]
      : []
  return html`
    <${PageHead} title=${count?.name ?? id} back=${back} actions=${actions}>
      <div class="facts"><span class="mono">${id}</span>${
        count &&
        html`<${Status} status=${count.status} />
        ${count.tags.length > 0 && html`<span class="tags">${count.tags.map((tag) => html`<span class="tag" key=${tag}>${tag}</span>`)}</span>`}`
      }</div>
    <//>
    <${SiteNav} current="counts" />
    <${Loading} loaded=${loaded} rows=${8}>
      ${(/** @type {Count} */ one) => html`<${One} count=${one} tab=${url.tab ?? 'history'} url=${url} setUrl=${setUrl} reload=${loaded.reload} />`}
    <//>
    ${correcting && count && html`<${Correction} count=${count} onClose=${() => setCorrecting(false)} onDone=${loaded.reload} />`}`
}

/**
 * @param {{ count: Count, tab: string, url: Record<string, string>, setUrl: (change: Record<string, string | null>) => void,
 *   reload: () => void }} props
 */
function One({ count, tab, url, setUrl, reload }) {
  const tabs = ['history', 'settings', 'audit'].map((id) => ({ id, label: t(`one.tab.${id}`) }))
  return html`
    <div class="stack">
      ${count.status === 'paused' && html`<${Note} tone="warn">${t('one.paused')}<//>`}
      ${count.status === 'archived' && html`<${Note}>${t('one.archived')}<//>`}
      <${Now} count=${count} />
      <${LastDay} count=${count} />
    </div>
    <${Tabs} label=${t('one.tabs')} tabs=${tabs} current=${tab} onSelect=${(/** @type {string} */ next) => setUrl({ tab: next })}>
      ${tab === 'history' && html`<${HistoryTab} id=${count.id} url=${url} setUrl=${setUrl} />`}
      ${tab === 'settings' && html`<${SettingsTab} key=${count.id} count=${count} onDone=${reload} />`}
      ${tab === 'audit' && html`<${AuditList} filter=${{ subject: count.id }} onUndone=${reload} />`}
    <//>
    ${may('editor') && html`<${DangerZone} count=${count} onDone=${reload} />`}`
}

/** The value, its unit, when it changed. @param {{ count: Count }} props */
function Now({ count }) {
  const now = useNow()
  const { value, unit, description, today } = count
  // A version is the time of the last change, in microseconds.
  const at = count.changedAt ?? (count.version && count.version / 1000)
  return html`
    <section class="card" aria-label=${t('count.value')}>
      <div class="value"><${Live} text=${number(value)} of=${value} /><span class="unit">${unit}</span></div>
      <div class="facts">
        <span title=${at ? dateTime(at) : null}>${
          value === null ? t('one.away') : at ? t('one.changed', { ago: ago(at, now) }) : t('one.never')
        }</span>
        ${today !== undefined && html`<span>${t('count.today')} ${change(today)}</span>`}
        <span>${boundsOf(count)}</span>
      </div>
      ${description && html`<p>${description}</p>`}
    </section>`
}

const dayMs = 86_400_000

/** The level of the last day by minute; its last point is the live value. @param {{ count: Count }} props */
function LastDay({ count }) {
  const path = `${pathOf(count.id)}/history?granularity=minute&measure=value`
  const loaded = useLoad(
    `${path} ${count.created}`,
    (signal) => get(`${path}&from=${new Date(Date.now() - dayMs).toISOString()}`, { signal }),
    30_000,
  )
  /** @type {import('/assets/chart.js').Point[]} */
  const past = loaded.data?.points ?? []
  const points = useMemo(
    () => (count.value === null ? past : [...past.slice(0, -1), { at: Date.now(), value: count.value }]),
    [loaded.data, count.value],
  )
  return html`
    <section class="card stack" aria-label=${t('one.day')}>
      <h2>${t('one.day')}</h2>
      <${Loading} loaded=${loaded} rows=${6}>
        ${() => html`<${Chart} title=${t('one.day')} label=${t('count.value')} points=${points} />`}
      <//>
    </section>`
}

startPage(CountPage)
