import { get, may, query } from '/assets/api.js'
import { Button, Chip, LinkButton } from '/assets/controls.js'
import { PageHead } from '/assets/frame.js'
import { useKeys, useLoad, useSettled, useUrl } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Empty, Loading, Note } from '/assets/states.js'
import { focusLink } from '/assets/table.js'
import { html, useEffect, useRef, useState } from '/assets/vendor/preact.js'
import { BulkBar } from './bulk-bar.js'
import { CountsTable } from './counts-table.js'
import { CreateCount } from './create-count.js'
import { SiteNav, startPage } from './site.js'

/** @typedef {import('./types.js').Count} Count */
/** @typedef {import('./types.js').Page<Count>} Counts */

const statuses = ['active', 'paused', 'archived']
const step = 100
const most = 1000

function CountsPage() {
  const [url, setUrl] = useUrl()
  const [text, setText] = useState(url.q ?? '')
  const [selected, setSelected] = useState(() => new Set())
  const [creating, setCreating] = useState(url.new === '1')
  const [limit, setLimit] = useState(step)
  const search = useRef(/** @type {HTMLInputElement | null} */ (null))
  const q = useSettled(text.trim(), 150)
  useEffect(() => setUrl({ q }), [q])
  const filter = { q, tag: url.tag ?? '', status: url.status ?? '' }
  const path = `/admin/counts${query({ ...filter, sort: url.sort, limit })}`
  // A thousand rows are not asked for each second.
  const counts = useLoad(path, (signal) => get(path, { signal }), limit <= 200 ? 1000 : 5000)
  const [before, setBefore] = useState(/** @type {Counts | undefined} */ (undefined))
  useEffect(() => {
    if (counts.data) setBefore(counts.data)
  }, [counts.data])
  // While another search is on its way, the rows of the last one stay.
  const shown = counts.error ? counts : { ...counts, data: counts.data ?? before }
  const filtered = Boolean(filter.q || filter.tag || filter.status)
  useKeys({
    '/': (event) => {
      event.preventDefault()
      search.current?.focus()
    },
    Escape: () => setSelected(new Set()),
  })
  const clear = () => {
    setText('')
    setUrl({ q: null, tag: null, status: null })
  }
  const createAction = { label: t('counts.new'), primary: true, onSelect: () => setCreating(true) }
  const empty = (/** @type {Counts} */ { items }) =>
    items.length === 0 &&
    (filtered
      ? html`<${Empty} title=${t('counts.none.title')} action=${html`<${Button} onClick=${clear}>${t('counts.clear')}<//>`}>
          ${t('counts.none')}<//>`
      : html`<${Empty} title=${t('counts.empty.title')} action=${
          may('editor') &&
          html`<div class="actions"><${Button} kind="primary" onClick=${createAction.onSelect}>${t('counts.new')}<//>
            <${LinkButton} href="/management/import">${t('import.title')}<//></div>`
        }>${t('counts.empty')}<//>`)
  return html`
    <${PageHead} title=${t('counts.title')} actions=${may('editor') ? [createAction] : []} />
    <${SiteNav} current="counts" />
    ${
      selected.size > 0
        ? html`<${BulkBar} selected=${selected} filter=${filter} more=${Boolean(counts.data?.nextCursor)}
            onClear=${() => setSelected(new Set())} onDone=${counts.reload} />`
        : html`
          <div class="filters" role="search">
            <input class="search-field" type="search" ref=${search} aria-label=${t('counts.search')} value=${text} spellcheck=${false}
              placeholder=${`${t('counts.search')}  /`} autocomplete="off"
              onInput=${(/** @type {{ currentTarget: HTMLInputElement }} */ event) => setText(event.currentTarget.value)}
              onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
                if (event.key !== 'ArrowDown') return
                event.preventDefault()
                focusLink(document.querySelector('tbody tr'))
              }} />
            <div class="chips">
              ${statuses.map(
                (status) => html`<${Chip} key=${status} on=${url.status === status}
                  onClick=${() => setUrl({ status: url.status === status ? null : status })}>${t(`status.${status}`)}<//>`,
              )}
              ${
                url.tag &&
                html`<${Chip} removable onClick=${() => setUrl({ tag: null })}>${t('counts.tagChip', { tag: url.tag })}<//>`
              }
            </div>
          </div>`
    }
    <${Loading} loaded=${shown} rows=${10} empty=${empty}>
      ${(/** @type {Counts} */ { items, nextCursor }) => html`
        ${items.some(({ value }) => value === null) && html`<${Note} tone="warn">${t('counts.away')}<//>`}
        <${CountsTable} items=${items} sort=${url.sort ?? 'id'} onSort=${(/** @type {string} */ sort) => setUrl({ sort })}
          selected=${selected} onSelect=${may('editor') ? setSelected : undefined}
          onTag=${(/** @type {string} */ tag) => setUrl({ tag })} />
        ${
          nextCursor &&
          html`<div class="more-row">
            ${
              limit < most
                ? html`<${Button} onClick=${() => setLimit(Math.min(most, limit * 2))}>${t('table.more')}<//>`
                : t('counts.limit', { n: limit })
            }
            <span class="muted">${t('counts.shown', { n: items.length })}</span></div>`
        }`}
    <//>
    ${
      creating &&
      html`<${CreateCount} onClose=${() => {
        setCreating(false)
        setUrl({ new: null })
      }} onCreated=${counts.reload} />`
    }`
}

startPage(CountsPage)
