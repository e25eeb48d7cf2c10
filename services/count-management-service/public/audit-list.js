import { get, may, query, request } from '/assets/api.js'
import { Badge, Button } from '/assets/controls.js'
import { Dialog, FormError, useSubmit } from '/assets/dialog.js'
import { Field } from '/assets/field.js'
import { exactTime, number } from '/assets/format.js'
import { useLoad } from '/assets/hooks.js'
import { has, t } from '/assets/i18n.js'
import { linkTo } from '/assets/search.js'
import { Empty, Loading } from '/assets/states.js'
import { Table } from '/assets/table.js'
import { toast } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'

/** @typedef {import('./types.js').AuditEntry} Entry */
/** @typedef {{ actor?: string, action?: string, subject?: string, from?: string, to?: string }} Filter */

/** @param {string} action as the server names it, `count.update` */
export const actionName = (action) => (has(`action.${action}`) ? t(`action.${action}`) : action)

/** @param {unknown} value */
const empty = (value) =>
  value === null ||
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0)

/** @param {unknown} value @returns {string} */
function shown(value) {
  if (empty(value)) return t('audit.nothing')
  if (typeof value === 'number') return number(value)
  if (typeof value === 'boolean') return t(`audit.${value}`)
  if (Array.isArray(value)) return value.map(shown).join(', ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A status by its name, anything else as it is. @param {string} key @param {unknown} value */
const told = (key, value) =>
  key === 'status' && has(`status.${value}`) ? t(`status.${value}`) : shown(value)

/** What the forms call a field. @param {string} key */
const fieldName = (key) => {
  const known = ['count', 'keys', 'users'].map((part) => `${part}.${key}`).find(has)
  return known ? t(known) : key
}

/** Only what differs, each field before → after; of what is new, only what it has. @param {{ entry: Entry }} props */
function Diff({ entry: { before, after } }) {
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  const changed = keys.filter(
    (key) =>
      key !== 'revision' &&
      JSON.stringify(before?.[key]) !== JSON.stringify(after?.[key]) &&
      (before || !empty(after?.[key])),
  )
  if (changed.length === 0) return null
  return html`<span class="diff">${changed
    .slice(0, 6)
    .map(
      (key) =>
        html`<span key=${key}>${fieldName(key)}: ${
          before && html`<del>${told(key, before[key])}</del>`
        } ${before && after && '→'} ${after && html`<ins>${told(key, after[key])}</ins>`}</span>`,
    )}${changed.length > 6 && html`<span>…</span>`}</span>`
}

const step = 50

/** The audit trail, newest first. @param {{ filter: Filter, onUndone?: () => void }} props */
export function AuditList({ filter, onUndone = () => {} }) {
  const [limit, setLimit] = useState(step)
  const [undoing, setUndoing] = useState(/** @type {Entry | null} */ (null))
  const path = `/admin/audit${query({ ...filter, limit })}`
  const loaded = useLoad(path, (signal) => get(path, { signal }), 5000)
  const filtered = Object.entries(filter).some(([key, value]) => key !== 'subject' && value)
  /** @type {import('/assets/table.js').Column<Entry>[]} */
  const columns = [
    {
      id: 'action',
      label: t('audit.action'),
      narrow: 'first',
      cell: ({ action, subject }) =>
        html`<span class="two-lines"><b>${actionName(action)}</b>${
          filter.subject === subject
            ? null
            : action.startsWith('count.')
              ? html`<a class="plain" href=${linkTo(subject)}>${subject}</a>`
              : html`<small>${subject}</small>`
        }</span>`,
    },
    { id: 'change', label: t('audit.change'), cell: (entry) => html`<${Diff} entry=${entry} />` },
    { id: 'reason', label: t('audit.reason'), cell: ({ reason }) => reason ?? '' },
    {
      id: 'actor',
      label: t('audit.actor'),
      cell: ({ actor, address }) => html`<span class="two-lines">${actor}<small>${address}</small></span>`,
    },
    {
      id: 'at',
      label: t('audit.at'),
      cell: ({ at }) => html`<span class="numeric">${exactTime(at)}</span>`,
    },
    {
      id: 'undo',
      label: t('audit.undo'),
      bare: true,
      narrow: 'side',
      cell: (entry) =>
        entry.undoneBy
          ? html`<${Badge}>${t('audit.undoneBy')}<//>`
          : entry.undoable && may('editor')
            ? html`<button type="button" class="button small" aria-label=${t('audit.undoOne', {
                name: `${actionName(entry.action)} ${entry.subject}`,
              })} onClick=${() => setUndoing(entry)}>${t('audit.undo')}</button>`
            : null,
    },
  ]
  const empty = (/** @type {import('./types.js').Page<Entry>} */ { items }) =>
    items.length === 0 &&
    html`<${Empty} title=${t('audit.empty.title')}>${filtered ? t('audit.none') : t('audit.empty')}<//>`
  return html`
    <${Loading} loaded=${loaded} rows=${8} empty=${empty}>
      ${(/** @type {import('./types.js').Page<Entry>} */ { items, nextCursor }) => html`
        <${Table} caption=${t('audit.caption')} columns=${columns} rows=${items} keyOf=${(/** @type {Entry} */ { id }) => String(id)} />
        ${nextCursor && limit < 1000 && html`<div class="more-row"><${Button} onClick=${() => setLimit(Math.min(1000, limit * 2))}>${t('table.more')}<//></div>`}`}
    <//>
    ${
      undoing &&
      html`<${UndoDialog} entry=${undoing} onClose=${() => setUndoing(null)} onDone=${() => {
        loaded.reload()
        onUndone()
      }} />`
    }`
}

/** @param {{ entry: Entry, onClose: () => void, onDone: () => void }} props */
function UndoDialog({ entry, onClose, onDone }) {
  const [reason, setReason] = useState('')
  const form = useSubmit(async () => {
    await request('POST', `/admin/audit/${entry.id}/undo`, {
      body: reason.trim() ? { reason: reason.trim() } : {},
    })
    toast(t('audit.undone'))
    onDone()
    onClose()
  })
  return html`
    <${Dialog} title=${t('audit.undo.title')} onClose=${onClose}>
      <form onSubmit=${form.submit} novalidate>
        <${FormError} ...${form} />
        <div class="prose"><p><b>${actionName(entry.action)}</b> ${entry.subject}</p><${Diff} entry=${entry} />
          <p>${t('audit.undo.what')}</p></div>
        <${Field} name="reason" label=${t('audit.reason')} value=${reason} onInput=${setReason} error=${form.errors.reason} focus />
        <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//>
          <${Button} kind="primary" type="submit" busy=${form.busy}>${t('audit.undo')}<//></footer>
      </form>
    <//>`
}
