import { html, useEffect, useRef } from '/assets/vendor/preact.js'
import { t } from './i18n.js'
import { Icon } from './icons.js'

/**
 * @template T
 * @typedef {object} Column
 * @property {string} id
 * @property {string} label
 * @property {(row: T) => import('./controls.js').Children} cell
 * @property {boolean} [numeric] right-aligned
 * @property {string} [sort] what to sort by; a button in the head, `-` before it turns it around
 * @property {'first' | 'side' | 'line' | 'hidden'} [narrow] at 360 px: top left, top right, below, not at all
 * @property {boolean} [named] says its label at 360 px too
 * @property {boolean} [tight] belongs to the column before it
 * @property {boolean} [bare] its label is for screen readers only
 */

/**
 * A table; at 360 px each row becomes two lines. With `onSelect` rows are selected by checkbox or `x`, arrows move between
 * the rows' links, Enter opens.
 * @template T
 * @param {{ caption: string, columns: Column<T>[], rows: T[], keyOf: (row: T) => string, nameOf?: (row: T) => string, sort?: string,
 *   onSort?: (sort: string) => void, selected?: Set<string>, onSelect?: (selected: Set<string>) => void }} props
 */
export function Table({ caption, columns, rows, keyOf, nameOf = keyOf, sort, onSort, selected, onSelect }) {
  const body = useRef(/** @type {HTMLElement | null} */ (null))
  const all = rows.length > 0 && rows.every((row) => selected?.has(keyOf(row)))
  const some = rows.some((row) => selected?.has(keyOf(row)))
  const toggle = (/** @type {string} */ key) => {
    const next = new Set(selected)
    if (!next.delete(key)) next.add(key)
    onSelect?.(next)
  }
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (!(event.target instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.target.matches('select, textarea, [role^=menuitem], input:not([type=checkbox])')) return
    const row = event.target.closest('tr')
    if (event.key === 'x' && onSelect && row?.dataset.key !== undefined) toggle(row.dataset.key)
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (!step || !row) return
    event.preventDefault()
    focusLink(step > 0 ? row.nextElementSibling : row.previousElementSibling)
  }
  return html`
    <div class="table-box">
      <table class=${onSelect ? 'selectable' : ''}>
        <caption>${caption}</caption>
        <thead><tr>
          ${
            onSelect &&
            html`<th class="pick" scope="col"><${Pick} label=${t('table.selectAll')} checked=${all} partly=${some && !all}
              onChange=${() => onSelect(new Set(all ? [] : rows.map(keyOf)))} /></th>`
          }
          ${columns.map((column) => html`<${Head} key=${column.id} column=${column} sort=${sort} onSort=${onSort} />`)}
        </tr></thead>
        <tbody ref=${body} onKeyDown=${press}>
          ${rows.map((row) => {
            const key = keyOf(row)
            const on = selected?.has(key) ?? false
            return html`<tr key=${key} data-key=${key} class=${on ? 'selected' : ''}>
              ${
                onSelect &&
                html`<td class="pick"><${Pick} label=${t('table.select', { name: nameOf(row) })} checked=${on}
                  onChange=${() => toggle(key)} /></td>`
              }
              ${columns.map(
                ({ id, label, cell, numeric, tight, named, narrow = 'line' }) =>
                  html`<td key=${id} data-label=${label} class=${classes({ numeric, tight, named, [`narrow-${narrow}`]: true })}>${cell(row)}</td>`,
              )}
            </tr>`
          })}
        </tbody>
      </table>
    </div>`
}

/** @param {Record<string, boolean | undefined>} names */
const classes = (names) =>
  Object.keys(names)
    .filter((name) => names[name])
    .join(' ')

/** Focuses what opens a row: its link, or else its first control. @param {Element | null | undefined} row */
export function focusLink(row) {
  const target = row?.querySelector('a') ?? row?.querySelector('button, input, select')
  if (target instanceof HTMLElement) target.focus()
}

/** @param {{ label: string, checked: boolean, partly?: boolean, onChange: () => void }} props */
function Pick({ label, checked, partly = false, onChange }) {
  const box = useRef(/** @type {HTMLInputElement | null} */ (null))
  useEffect(() => {
    if (box.current) box.current.indeterminate = partly
  }, [partly])
  return html`<input type="checkbox" ref=${box} aria-label=${label} checked=${checked} onChange=${onChange} />`
}

/** @param {{ column: Column<any>, sort?: string, onSort?: (sort: string) => void }} props */
function Head({ column: { label, numeric, sort: by, bare, narrow = 'line' }, sort, onSort }) {
  const up = by !== undefined && sort === by
  const down = by !== undefined && sort === `-${by}`
  const order = up ? 'ascending' : down ? 'descending' : null
  const look = `${numeric ? 'numeric' : ''} narrow-${narrow}`
  if (by === undefined || !onSort) {
    return html`<th scope="col" class=${look}>${bare ? html`<span class="unseen">${label}</span>` : label}</th>`
  }
  return html`<th scope="col" class=${look} aria-sort=${order}>
    <button type="button" class="sort" title=${t('table.sort', { name: label })} onClick=${() => onSort(up ? `-${by}` : by)}>
      ${label}${(up || down) && html`<${Icon} name=${up ? 'up' : 'down'} />`}
    </button></th>`
}

/** A number whose background flashes once when it changes; it keeps its place. @param {{ text: string, of: number | null | undefined }} props */
export function Live({ text, of }) {
  const before = useRef(of)
  const element = useRef(/** @type {HTMLElement | null} */ (null))
  useEffect(() => {
    const changed = before.current !== of && before.current !== undefined
    before.current = of
    if (!changed || !element.current || matchMedia('(prefers-reduced-motion: reduce)').matches) return
    const frames = [{ backgroundColor: 'var(--flash)' }, { backgroundColor: 'transparent' }]
    element.current.animate(frames, { duration: 900, easing: 'ease-out' })
  }, [of])
  return html`<span class="live" ref=${element}>${text}</span>`
}
