import { get, may, query, request } from '/assets/api.js'
import { Badge, Button, Menu, Tabs } from '/assets/controls.js'
import { ConfirmByName } from '/assets/dialog.js'
import { ago, dateTime, duration, number } from '/assets/format.js'
import { PageHead } from '/assets/frame.js'
import { useLoad, useNow, useUrl } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { linkTo } from '/assets/search.js'
import { Empty, Loading } from '/assets/states.js'
import { Table } from '/assets/table.js'
import { toast, toastError } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'
import { AlertDialog, SecretDialog } from './alert-dialog.js'
import { AlertHistory } from './alert-history.js'
import { Deliveries } from './deliveries.js'
import { SiteNav, startPage } from './site.js'

/** @typedef {import('./types.js').AlertView} Alert */
/** @typedef {import('./types.js').Page<Alert>} Alerts */
/** @typedef {{ what: 'edit' | 'history' | 'delete', alert?: Alert } | { what: 'secret', secret: string }} Open */

/** A rule in words. @param {Alert['condition']} condition */
export function conditionOf(condition) {
  if (condition.kind !== 'changes') return t(`alerts.when.${condition.kind}`, { at: number(condition.at) })
  const { by, withinS, direction } = condition
  return t(`alerts.when.changes.${direction}`, { by: number(by), within: duration(withinS) })
}

function AlertsPage() {
  const [url, setUrl] = useUrl()
  const [open, setOpen] = useState(/** @type {Open | null} */ (url.new === '1' ? { what: 'edit' } : null))
  const path = `/alerts${query({ limit: 500 })}`
  const loaded = useLoad(path, (signal) => get(path, { signal }), 2000)
  const close = () => setOpen(null)
  const tab = url.tab ?? 'rules'
  const create = { label: t('alerts.new'), primary: true, onSelect: () => setOpen({ what: 'edit' }) }
  const done = (/** @type {{ secret: string | null }} */ { secret }) => {
    loaded.reload()
    setOpen(secret ? { what: 'secret', secret } : null)
  }
  const alert = open && 'alert' in open ? open.alert : undefined
  const empty = (/** @type {Alerts} */ { items }) =>
    items.length === 0 &&
    html`<${Empty} title=${t('alerts.empty.title')} action=${may('editor') && html`<${Button} kind="primary" onClick=${create.onSelect}>${t('alerts.new')}<//>`}>${t('alerts.empty')}<//>`
  return html`
    <${PageHead} title=${t('site.alerts')} actions=${may('editor') ? [create] : []} />
    <${SiteNav} current="alerts" />
    <${Tabs} label=${t('site.alerts')} current=${tab} onSelect=${(/** @type {string} */ next) => setUrl({ tab: next, rule: null, status: null })}
      tabs=${['rules', 'deliveries'].map((id) => ({ id, label: t(`alerts.tab.${id}`) }))}>
      ${
        tab === 'rules'
          ? html`<${Loading} loaded=${loaded} rows=${5} empty=${empty}>
              ${(/** @type {Alerts} */ { items }) => html`<${AlertTable} items=${items} onOpen=${setOpen} reload=${loaded.reload} />`}<//>`
          : html`<${Deliveries} url=${url} setUrl=${setUrl} />`
      }
    <//>
    ${open?.what === 'edit' && html`<${AlertDialog} alert=${alert} onClose=${close} onDone=${done} />`}
    ${open?.what === 'secret' && html`<${SecretDialog} secret=${open.secret} onClose=${close} />`}
    ${open?.what === 'history' && alert && html`<${AlertHistory} alert=${alert} onClose=${close} />`}
    ${
      open?.what === 'delete' &&
      alert &&
      html`<${ConfirmByName} title=${t('alerts.delete.title')} name=${alert.name} action=${t('action.delete')} onClose=${close}
        onConfirm=${async () => {
          await request('DELETE', `/alerts/${alert.id}`)
          toast(t('alerts.deleted', { name: alert.name }))
          loaded.reload()
        }}><p>${t('alerts.delete.what')}</p><//>`
    }`
}

/** @param {{ alert: Alert, now: number }} props */
function AlertState({ alert: { enabled, state, since }, now }) {
  if (!enabled) return html`<${Badge}>${t('alerts.off')}<//>`
  return html`<span class="two-lines"><${Badge} tone=${state === 'open' ? 'bad' : 'good'}>${t(`alerts.state.${state}`)}<//>
    ${since && html`<small title=${dateTime(since)}>${ago(since, now)}</small>`}</span>`
}

/** @param {{ items: Alert[], onOpen: (open: Open) => void, reload: () => void }} props */
function AlertTable({ items, onOpen, reload }) {
  const now = useNow()
  const test = (/** @type {Alert} */ { id, name }) =>
    request('POST', `/alerts/${id}/test`).then(
      ({ delivered, status, error, ms }) =>
        delivered
          ? toast(t('alerts.test.good', { name, status, ms: number(ms) }))
          : toast(t('alerts.test.bad', { name, why: status ? `HTTP ${status}` : (error ?? '') }), {
              tone: 'bad',
            }),
      toastError,
    )
  const turn = (/** @type {Alert} */ { id, enabled }) =>
    request('PATCH', `/alerts/${id}`, { body: { enabled: !enabled } }).then(reload, toastError)
  const rotate = (/** @type {Alert} */ { id }) =>
    request('POST', `/alerts/${id}/secret`).then(
      ({ secret }) => onOpen({ what: 'secret', secret }),
      toastError,
    )
  /** @type {import('/assets/table.js').Column<Alert>[]} */
  const columns = [
    {
      id: 'name',
      label: t('alerts.name'),
      narrow: 'first',
      cell: ({ name, count }) =>
        html`<span class="two-lines"><b>${name}</b><a class="plain" href=${linkTo(count)}>${count}</a></span>`,
    },
    {
      id: 'state',
      label: t('alerts.state'),
      narrow: 'side',
      cell: (alert) => html`<${AlertState} alert=${alert} now=${now} />`,
    },
    { id: 'condition', label: t('alerts.condition'), cell: ({ condition }) => conditionOf(condition) },
    {
      id: 'value',
      label: t('alerts.value'),
      numeric: true,
      cell: ({ value }) => (value === null ? '' : number(value)),
    },
    {
      id: 'webhook',
      label: t('alerts.webhook'),
      narrow: 'hidden',
      cell: ({ webhook }) =>
        webhook && html`<span class="mono clip" title=${webhook.url}>${webhook.url}</span>`,
    },
    {
      id: 'actions',
      label: t('action.more'),
      bare: true,
      narrow: 'side',
      cell: (alert) =>
        html`<div class="row-end"><${Menu} label=${t('alerts.actions', { name: alert.name })} items=${[
          may('editor') && { label: t('alerts.edit'), onSelect: () => onOpen({ what: 'edit', alert }) },
          { label: t('alerts.history'), onSelect: () => onOpen({ what: 'history', alert }) },
          may('editor') && alert.webhook && { label: t('alerts.test'), onSelect: () => test(alert) },
          may('editor') && alert.webhook && { label: t('alerts.rotate'), onSelect: () => rotate(alert) },
          may('editor') && {
            label: t(alert.enabled ? 'alerts.turnOff' : 'alerts.turnOn'),
            onSelect: () => turn(alert),
          },
          may('editor') && {
            label: t('action.delete'),
            danger: true,
            onSelect: () => onOpen({ what: 'delete', alert }),
          },
        ]} /></div>`,
    },
  ]
  return html`<${Table} caption=${t('alerts.caption')} columns=${columns} rows=${items} keyOf=${(/** @type {Alert} */ { id }) => id} />`
}

startPage(AlertsPage)
