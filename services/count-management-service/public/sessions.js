import { get, may, query, request, setSession } from '/assets/api.js'
import { Badge } from '/assets/controls.js'
import { Checkbox } from '/assets/field.js'
import { ago, dateTime } from '/assets/format.js'
import { useLoad, useNow } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Empty, Loading } from '/assets/states.js'
import { Table } from '/assets/table.js'
import { toast, toastError } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'

/** @typedef {import('./types.js').SessionView} SessionView */

const browsers = /** @type {const} */ (['Edg', 'OPR', 'Firefox', 'Chrome', 'Safari', 'curl', 'node'])
const systems = /** @type {const} */ (['Windows', 'Android', 'iPhone', 'iPad', 'Mac OS', 'Linux'])
/** Browser and system in short. @param {string} agent */
function deviceOf(agent) {
  const words = [browsers, systems].map((names) => names.find((name) => agent.includes(name)))
  const known = words.filter((word) => word !== undefined).map((word) => (word === 'Edg' ? 'Edge' : word))
  return known.length > 0 ? known.join(', ') : agent.slice(0, 60) || t('sessions.unknown')
}

/** Where somebody is signed in: one's own sessions or, for an admin, everybody's. */
export function SessionsTab() {
  const [all, setAll] = useState(false)
  const path = `/admin/sessions${query({ all: all ? 'true' : '' })}`
  const loaded = useLoad(path, (signal) => get(path, { signal }), 5000)
  const now = useNow()
  const end = async (/** @type {SessionView} */ { id, current }) => {
    try {
      await request('DELETE', `/admin/sessions/${id}`)
      if (current) return setSession(null)
      toast(t('sessions.ended'))
    } catch (error) {
      toastError(error)
    }
    loaded.reload()
  }
  /** @type {import('/assets/table.js').Column<SessionView>[]} */
  const columns = [
    {
      id: 'device',
      label: t('sessions.device'),
      narrow: 'first',
      cell: ({ username, userAgent, current }) => html`
        <span class="two-lines"><b>${username}</b><small title=${userAgent}>${deviceOf(userAgent)}</small></span>
        ${current && html`<${Badge} tone="good">${t('sessions.current')}<//>`}`,
    },
    { id: 'address', label: t('sessions.address'), cell: ({ address }) => address },
    {
      id: 'seen',
      label: t('sessions.seen'),
      cell: ({ seenAt }) => html`<span title=${dateTime(seenAt)}>${ago(seenAt, now)}</span>`,
    },
    {
      id: 'since',
      label: t('sessions.since'),
      narrow: 'hidden',
      cell: ({ createdAt }) => dateTime(createdAt),
    },
    {
      id: 'expires',
      label: t('sessions.expires'),
      narrow: 'hidden',
      cell: ({ expiresAt }) => dateTime(expiresAt),
    },
    {
      id: 'end',
      label: t('sessions.end'),
      bare: true,
      narrow: 'side',
      cell: (row) => html`<div class="row-end"><button type="button" class="button small"
        aria-label=${t('sessions.endOne', { name: `${row.username}, ${deviceOf(row.userAgent)}` })}
        onClick=${() => end(row)}>${t('sessions.end')}</button></div>`,
    },
  ]
  const empty = (/** @type {{ items: SessionView[] }} */ { items }) =>
    items.length === 0 && html`<${Empty} title=${t('sessions.empty.title')}>${t('sessions.empty')}<//>`
  return html`
    ${may('admin') && html`<div class="filters"><${Checkbox} label=${t('sessions.all')} checked=${all} onChange=${setAll} /></div>`}
    <${Loading} loaded=${loaded} rows=${3} empty=${empty}>
      ${(/** @type {{ items: SessionView[] }} */ { items }) => html`
        <${Table} caption=${t('sessions.caption')} columns=${columns} rows=${items} keyOf=${(/** @type {SessionView} */ { id }) => id} />`}
    <//>`
}
