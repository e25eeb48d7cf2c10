import { get, may, Problem, query } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { dateTime, number } from '/assets/format.js'
import { PageHead } from '/assets/frame.js'
import { useLoad, useSettled, useUrl } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Empty, Loading } from '/assets/states.js'
import { Table } from '/assets/table.js'
import { toast, toastError } from '/assets/toast.js'
import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { deleteCount, restoreCount } from './count-actions.js'
import { SiteNav, startPage } from './site.js'

/** @typedef {import('./types.js').Trashed} Trashed */

function TrashPage() {
  const [url, setUrl] = useUrl()
  const [text, setText] = useState(url.q ?? '')
  const q = useSettled(text.trim(), 150)
  useEffect(() => setUrl({ q }), [q])
  const path = `/admin/trash${query({ q, limit: 200 })}`
  const loaded = useLoad(path, (signal) => get(path, { signal }), 5000)
  const restore = async (/** @type {Trashed} */ trashed) => {
    try {
      const count = await restoreCount(trashed)
      toast(t('trash.restored', { name: trashed.name }), {
        undo: async () => {
          await deleteCount(count)
          loaded.reload()
        },
      })
    } catch (error) {
      if (error instanceof Problem && error.name === 'already-exists')
        toast(t('trash.occupied'), { tone: 'bad' })
      else if (error instanceof Problem && error.name === 'conflict') toast(t('trash.lost'), { tone: 'bad' })
      else toastError(error)
    }
    loaded.reload()
  }
  /** @type {import('/assets/table.js').Column<Trashed>[]} */
  const columns = [
    {
      id: 'name',
      label: t('count.name'),
      narrow: 'first',
      cell: ({ id, name }) => html`<span class="two-lines"><b>${name}</b><small>${id}</small></span>`,
    },
    { id: 'value', label: t('count.value'), numeric: true, cell: ({ value }) => number(value) },
    { id: 'deletedAt', label: t('trash.deleted'), named: true, cell: ({ deletedAt }) => dateTime(deletedAt) },
    { id: 'purgedAt', label: t('trash.purged'), named: true, cell: ({ purgedAt }) => dateTime(purgedAt) },
    {
      id: 'restore',
      label: t('trash.restore'),
      bare: true,
      narrow: 'side',
      cell: (row) =>
        may('editor') &&
        html`<div class="row-end"><button type="button" class="button small" aria-label=${t('trash.restoreOne', { name: row.name })}
          onClick=${() => restore(row)}>${t('trash.restore')}</button></div>`,
    },
  ]
  const empty = (/** @type {{ items: Trashed[] }} */ { items }) =>
    items.length === 0 &&
    (q
      ? html`<${Empty} title=${t('counts.none.title')} action=${html`<${Button} onClick=${() => setText('')}>${t('counts.clear')}<//>`}>${t('counts.none')}<//>`
      : html`<${Empty} title=${t('trash.empty.title')}>${t('trash.empty')}<//>`)
  return html`
    <${PageHead} title=${t('trash.title')} />
    <${SiteNav} current="trash" />
    <div class="filters" role="search">
      <input class="search-field" type="search" aria-label=${t('trash.search')} placeholder=${t('trash.search')} value=${text}
        autocomplete="off" onInput=${(/** @type {{ currentTarget: HTMLInputElement }} */ event) => setText(event.currentTarget.value)} />
    </div>
    <${Loading} loaded=${loaded} rows=${6} empty=${empty}>
      ${(/** @type {{ items: Trashed[] }} */ { items }) => html`
        <${Table} caption=${t('trash.caption')} columns=${columns} rows=${items}
          keyOf=${(/** @type {Trashed} */ { id, created }) => `${id}/${created}`} />`}
    <//>`
}

startPage(TrashPage)
