import { get, may, query } from '/assets/api.js'
import { Button, Menu } from '/assets/controls.js'
import { ago, dateTime, number } from '/assets/format.js'
import { PageHead } from '/assets/frame.js'
import { useKeys, useLoad, useNow, useSettled, useUrl } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { rangeName } from '/assets/panels/model.js'
import { Empty, Loading } from '/assets/states.js'
import { focusLink, Table } from '/assets/table.js'
import { toast, toastError } from '/assets/toast.js'
import { html, useEffect, useRef, useState } from '/assets/vendor/preact.js'
import { download, duplicate, remove, restore, sayDeleted } from './board-actions.js'
import { CreateDialog } from './create-dialog.js'
import { ImportDialog } from './import-dialog.js'
import { boardPath, SiteNav, startPage } from './site.js'
import { TrashTable } from './trash-table.js'

/** @typedef {import('./types.js').Summary} Summary */
/** @typedef {import('./types.js').Page<Summary>} Summaries */

const step = 100

function DashboardsPage() {
  const [url, setUrl] = useUrl()
  const [text, setText] = useState(url.q ?? '')
  const [limit, setLimit] = useState(step)
  const [dialog, setDialog] = useState(
    /** @type {'create' | 'import' | null} */ (url.new === '1' ? 'create' : null),
  )
  const search = useRef(/** @type {HTMLInputElement | null} */ (null))
  const q = useSettled(text.trim(), 150)
  useEffect(() => setUrl({ q }), [q])
  const sort = url.sort ?? '-updatedAt'
  const trash = url.trash === '1'
  const path = `/dashboards${query({ q, sort, limit })}`
  const loaded = useLoad(trash ? null : path, (signal) => get(path, { signal }), 5000)
  useEffect(() => sayDeleted(loaded.reload), [])
  useKeys({
    '/': (event) => {
      event.preventDefault()
      search.current?.focus()
    },
  })
  const discard = (/** @type {Summary} */ one) =>
    remove(one).then(() => {
      loaded.reload()
      toast(t('boards.deleted', { name: one.name }), { undo: () => restore(one).then(loaded.reload) })
    }, toastError)
  const copy = (/** @type {Summary} */ one) =>
    duplicate(one).then((made) => {
      loaded.reload()
      toast(t('boards.duplicated', { name: made.name }), { undo: () => remove(made).then(loaded.reload) })
    }, toastError)
  const create = { label: t('boards.new'), primary: true, onSelect: () => setDialog('create') }
  const actions = [
    trash
      ? { label: t('boards.list'), onSelect: () => setUrl({ trash: null }) }
      : { label: t('boards.trash'), onSelect: () => setUrl({ trash: '1' }) },
    ...(may('editor') ? [{ label: t('boards.import'), onSelect: () => setDialog('import') }, create] : []),
  ]
  const empty = (/** @type {Summaries} */ { items }) =>
    items.length === 0 &&
    (q
      ? html`<${Empty} title=${t('boards.none.title')} action=${html`<${Button} onClick=${() => setText('')}>${t('action.clear')}<//>`}>${t('boards.none', { q })}<//>`
      : html`<${Empty} title=${t('boards.empty.title')} action=${may('editor') && html`<${Button} kind="primary" onClick=${create.onSelect}>${t('boards.new')}<//>`}>
          ${t('boards.empty')}<//>`)
  return html`
    <${PageHead} title=${trash ? t('boards.trash') : t('site.dashboards')} actions=${actions} />
    <${SiteNav} current="dashboards" />
    ${
      trash
        ? html`<${TrashTable} />`
        : html`<div class="filters" role="search">
            <input class="search-field" type="search" ref=${search} aria-label=${t('boards.search')} placeholder=${`${t('boards.search')}  /`}
              value=${text} spellcheck=${false} autocomplete="off"
              onInput=${(/** @type {{ currentTarget: HTMLInputElement }} */ event) => setText(event.currentTarget.value)}
              onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
                if (event.key !== 'ArrowDown') return
                event.preventDefault()
                focusLink(document.querySelector('tbody tr'))
              }} />
          </div>
          <${Loading} loaded=${loaded} rows=${6} empty=${empty}>
            ${(/** @type {Summaries} */ { items, nextCursor }) => html`
              <${BoardsTable} items=${items} sort=${sort} onSort=${(/** @type {string} */ next) => setUrl({ sort: next })} onCopy=${copy} onDelete=${discard} />
              ${nextCursor && limit < 1000 && html`<div class="more-row"><${Button} onClick=${() => setLimit(limit * 2)}>${t('table.more')}<//></div>`}`}
          <//>`
    }
    ${dialog === 'create' && html`<${CreateDialog} onClose=${() => setDialog(null)} />`}
    ${dialog === 'import' && html`<${ImportDialog} onClose=${() => setDialog(null)} />`}`
}

/** @param {{ items: Summary[], sort: string, onSort: (sort: string) => void, onCopy: (one: Summary) => void, onDelete: (one: Summary) => void }} props */
function BoardsTable({ items, sort, onSort, onCopy, onDelete }) {
  const now = useNow()
  /** @type {import('/assets/table.js').Column<Summary>[]} */
  const columns = [
    {
      id: 'name',
      label: t('boards.name'),
      sort: 'name',
      narrow: 'first',
      cell: ({ id, name }) => html`<span class="two-lines"><a href=${boardPath(id)}>${name}</a></span>`,
    },
    { id: 'panels', label: t('boards.panels'), numeric: true, cell: ({ panels }) => number(panels) },
    { id: 'range', label: t('board.rangeLabel'), narrow: 'hidden', cell: ({ range }) => rangeName(range) },
    {
      id: 'shares',
      label: t('boards.shares'),
      numeric: true,
      cell: ({ shares }) => (shares > 0 ? number(shares) : ''),
    },
    {
      id: 'updatedAt',
      label: t('boards.updated'),
      sort: 'updatedAt',
      cell: ({ updatedAt, updatedBy }) =>
        html`<span class="muted" title=${dateTime(updatedAt)}>${t('boards.updatedBy', { ago: ago(updatedAt, now), name: updatedBy })}</span>`,
    },
    {
      id: 'actions',
      label: t('action.more'),
      bare: true,
      narrow: 'side',
      cell: (one) =>
        html`<div class="row-end"><${Menu} label=${t('boards.actions', { name: one.name })} items=${[
          { label: t('wall.enter'), href: `${boardPath(one.id)}&wall=1` },
          may('editor') && { label: t('board.edit'), href: `${boardPath(one.id)}&edit=1` },
          may('editor') && { label: t('boards.duplicate'), onSelect: () => onCopy(one) },
          { label: t('boards.export'), onSelect: () => download(one).catch(toastError) },
          may('editor') && { label: t('action.delete'), danger: true, onSelect: () => onDelete(one) },
        ]} /></div>`,
    },
  ]
  return html`<${Table} caption=${t('boards.caption')} columns=${columns} rows=${items} keyOf=${(/** @type {Summary} */ { id }) => id}
    sort=${sort} onSort=${onSort} />`
}

startPage(DashboardsPage)
