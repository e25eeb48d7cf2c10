import { get, may, query, request } from '/assets/api.js'
import { Badge, Button, Chip } from '/assets/controls.js'
import { ago, dateTime, number } from '/assets/format.js'
import { useLoad, useNow } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Empty, Loading } from '/assets/states.js'
import { Table } from '/assets/table.js'
import { toast, toastError } from '/assets/toast.js'
import { html } from '/assets/vendor/preact.js'

/** @typedef {import('./types.js').DeliveryView} Delivery */

const tones = /** @type {const} */ ({ pending: 'warn', delivered: 'good', dead: 'bad' })

/** Webhooks: sent, waiting, given up. @param {{ url: Record<string, string>, setUrl: (change: Record<string, string | null>) => void }} props */
export function Deliveries({ url, setUrl }) {
  const now = useNow()
  const path = `/alerts/deliveries${query({ status: url.status, limit: 200 })}`
  const loaded = useLoad(path, (signal) => get(path, { signal }), 2000)
  const again = (/** @type {Delivery} */ { id }) =>
    request('POST', `/alerts/deliveries/${id}/redeliver`)
      .then(() => toast(t('deliveries.again.done')), toastError)
      .then(loaded.reload)
  const why = (/** @type {Delivery} */ { status, responseStatus, error, nextAt, attempts }) =>
    [
      t('deliveries.attempts', { n: attempts }),
      responseStatus !== null && `HTTP ${responseStatus}`,
      status !== 'delivered' && error,
      status === 'pending' && nextAt && t('deliveries.next', { time: dateTime(nextAt) }),
    ].filter(Boolean)
  /** @type {import('/assets/table.js').Column<Delivery>[]} */
  const columns = [
    {
      id: 'rule',
      label: t('alerts.name'),
      narrow: 'first',
      cell: ({ ruleName, type }) =>
        html`<span class="two-lines"><b>${ruleName}</b><small class="mono">${type}</small></span>`,
    },
    {
      id: 'status',
      label: t('alerts.state'),
      narrow: 'side',
      cell: ({ status }) => html`<${Badge} tone=${tones[status]}>${t(`deliveries.${status}`)}<//>`,
    },
    {
      id: 'why',
      label: t('deliveries.details'),
      cell: (one) => html`<span class="muted">${why(one).join(' · ')}</span>`,
    },
    {
      id: 'at',
      label: t('chart.time'),
      cell: ({ createdAt }) => html`<span title=${dateTime(createdAt)}>${ago(createdAt, now)}</span>`,
    },
    {
      id: 'again',
      label: t('deliveries.again'),
      bare: true,
      narrow: 'side',
      cell: (one) =>
        may('editor') &&
        one.status === 'dead' &&
        html`<div class="row-end"><${Button} small onClick=${() => again(one)}>${t('deliveries.again')}<span class="unseen"> ${one.ruleName} ${number(one.attempts)}</span><//></div>`,
    },
  ]
  const empty = (/** @type {{ items: Delivery[] }} */ { items }) =>
    items.length === 0 && html`<${Empty} title=${t('deliveries.empty.title')}>${t('deliveries.empty')}<//>`
  return html`<div class="filters"><div class="chips">${['pending', 'delivered', 'dead'].map(
    (status) =>
      html`<${Chip} key=${status} on=${url.status === status} onClick=${() => setUrl({ status: url.status === status ? null : status })}>${t(`deliveries.${status}`)}<//>`,
  )}</div></div>
  <${Loading} loaded=${loaded} rows=${5} empty=${empty}>
    ${(/** @type {{ items: Delivery[] }} */ { items }) => html`<${Table} caption=${t('deliveries.caption')} columns=${columns} rows=${items} keyOf=${(/** @type {Delivery} */ { id }) => id} />`}
  <//>`
}
