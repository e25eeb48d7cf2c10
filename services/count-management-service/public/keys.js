import { get, may, query, request } from '/assets/api.js'
import { Badge, Button, Menu } from '/assets/controls.js'
import { ConfirmByName } from '/assets/dialog.js'
import { ago, dateTime, number } from '/assets/format.js'
import { PageHead } from '/assets/frame.js'
import { useLoad, useNow } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Empty, Loading, Note } from '/assets/states.js'
import { Table } from '/assets/table.js'
import { toast } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'
import { CreateKey, RotateKey, ShownKey } from './key-dialogs.js'
import { SiteNav, startPage } from './site.js'

/** @typedef {import('./types.js').Key} Key */
/** @typedef {{ what: 'create' | 'rotate' | 'revoke' | 'shown', key?: Key & { key?: string } }} Open */

/** @param {Key} key @param {number} now ms */
const isOver = ({ expiresAt }, now) => expiresAt !== null && Date.parse(expiresAt) <= now

/** @param {{ of: Key, now: number }} props */
function KeyState({ of: key, now }) {
  if (key.revokedAt) return html`<${Badge} tone="bad">${t('keys.revoked')}<//>`
  if (isOver(key, now)) return html`<${Badge} tone="warn">${t('keys.expired')}<//>`
  const former = key.previousUntil && Date.parse(key.previousUntil) > now
  return html`<span class="two-lines"><${Badge} tone="good">${t('keys.active')}<//>
    ${former && html`<small>${t('keys.previous', { time: dateTime(key.previousUntil) })}</small>`}</span>`
}

function KeysPage() {
  const path = `/admin/api-keys${query({ limit: 1000 })}`
  const loaded = useLoad(may('admin') ? path : null, (signal) => get(path, { signal }), 5000)
  const [open, setOpen] = useState(/** @type {Open | null} */ (null))
  const now = useNow()
  const close = () => setOpen(null)
  const show = (/** @type {Key & { key: string }} */ key) => {
    loaded.reload()
    setOpen({ what: 'shown', key })
  }
  const revoke = async (/** @type {Key} */ { id, name }) => {
    await request('DELETE', `/admin/api-keys/${id}`)
    toast(t('keys.revoke.done', { name }))
    loaded.reload()
  }
  const create = () => setOpen({ what: 'create' })
  /** @type {import('/assets/table.js').Column<Key>[]} */
  const columns = [
    {
      id: 'name',
      label: t('keys.name'),
      narrow: 'first',
      cell: ({ id, name }) =>
        html`<span class="two-lines"><b>${name}</b><small class="mono">ck_${id}_…</small></span>`,
    },
    {
      id: 'scopes',
      label: t('keys.scopes'),
      cell: ({ scopes }) => scopes.map((scope) => t(`keys.scope.${scope}`)).join(', '),
    },
    {
      id: 'prefixes',
      label: t('keys.prefixes'),
      cell: ({ prefixes }) =>
        prefixes
          ? html`<span class="tags">${prefixes.map((prefix) => html`<span class="tag mono" key=${prefix}>${prefix}</span>`)}</span>`
          : t('keys.all'),
    },
    { id: 'state', label: t('keys.state'), cell: (key) => html`<${KeyState} of=${key} now=${now} />` },
    {
      id: 'rateLimit',
      label: t('keys.rateLimit'),
      numeric: true,
      narrow: 'hidden',
      cell: ({ rateLimit }) => number(rateLimit),
    },
    {
      id: 'lastUsed',
      label: t('keys.lastUsed'),
      named: true,
      cell: ({ lastUsedAt }) =>
        html`<span title=${lastUsedAt ? dateTime(lastUsedAt) : null}>${ago(lastUsedAt, now)}</span>`,
    },
    {
      id: 'expires',
      label: t('keys.expires'),
      narrow: 'hidden',
      cell: ({ expiresAt }) => (expiresAt ? dateTime(expiresAt) : t('keys.expires.never')),
    },
    {
      id: 'actions',
      label: t('action.more'),
      bare: true,
      narrow: 'side',
      cell: (key) =>
        !key.revokedAt &&
        html`<div class="row-end"><${Menu} label=${t('keys.actions', { name: key.name })} items=${[
          { label: t('keys.rotate'), onSelect: () => setOpen({ what: 'rotate', key }) },
          { label: t('keys.revoke'), danger: true, onSelect: () => setOpen({ what: 'revoke', key }) },
        ]} /></div>`,
    },
  ]
  const empty = (/** @type {{ items: Key[] }} */ { items }) =>
    items.length === 0 &&
    html`<${Empty} title=${t('keys.empty.title')} action=${html`<${Button} kind="primary" onClick=${create}>${t('keys.new')}<//>`}>${t('keys.empty')}<//>`
  return html`
    <${PageHead} title=${t('keys.title')} actions=${may('admin') ? [{ label: t('keys.new'), primary: true, onSelect: create }] : []} />
    <${SiteNav} current="keys" />
    ${
      may('admin')
        ? html`<${Loading} loaded=${loaded} rows=${5} empty=${empty}>
            ${(/** @type {{ items: Key[] }} */ { items }) => html`
              <${Table} caption=${t('keys.caption')} columns=${columns} rows=${items} keyOf=${(/** @type {Key} */ { id }) => id} />`}
          <//>`
        : html`<${Note}>${t('site.adminOnly')}<//>`
    }
    ${open?.what === 'create' && html`<${CreateKey} onClose=${close} onMade=${show} />`}
    ${open?.what === 'rotate' && html`<${RotateKey} of=${open.key} onClose=${close} onMade=${show} />`}
    ${open?.what === 'shown' && html`<${ShownKey} text=${open.key?.key ?? ''} onClose=${close} />`}
    ${
      open?.what === 'revoke' &&
      open.key &&
      html`<${ConfirmByName} title=${t('keys.revoke.title')} name=${open.key.name} action=${t('keys.revoke')} onClose=${close}
        onConfirm=${() => open.key && revoke(open.key)}><p>${t('keys.revoke.what')}</p><//>`
    }`
}

startPage(KeysPage)
