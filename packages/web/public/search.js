import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { get, query } from './api.js'
import { Dialog } from './dialog.js'
import { number } from './format.js'
import { useLoad, useSettled } from './hooks.js'
import { t } from './i18n.js'
import { Loading } from './states.js'

/** @typedef {{ id: string, name: string, value: number | null, unit: string }} Hit */

/** ⌘K, Ctrl+K: counts by id or name from anywhere; arrows move, Enter opens. @param {{ onClose: () => void }} props */
export function Search({ onClose }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const q = useSettled(text.trim(), 120)
  const found = useLoad(`search ${q}`, (signal) => get(`/admin/counts${query({ q, limit: 8 })}`, { signal }))
  /** @type {Hit[]} */
  const hits = found.data?.items ?? []
  useEffect(() => setAt(0), [q])
  const press = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step && hits.length) {
      event.preventDefault()
      setAt((at + step + hits.length) % hits.length)
    }
    const hit = hits[at]
    if (event.key === 'Enter' && !event.isComposing && hit) location.assign(linkTo(hit.id))
  }
  return html`
    <${Dialog} title=${t('search.title')} onClose=${onClose}>
      <input type="search" class="search" role="combobox" autofocus aria-label=${t('search.title')} aria-expanded=${String(hits.length > 0)}
        aria-controls="search-hits" aria-activedescendant=${hits[at] ? `hit-${at}` : null} aria-autocomplete="list"
        placeholder=${t('search.hint')} value=${text} autocomplete="off" spellcheck=${false} onKeyDown=${press}
        onInput=${(/** @type {{ currentTarget: HTMLInputElement }} */ event) => setText(event.currentTarget.value)} />
      <p class="unseen" role="status">${found.data ? t('search.found', { n: hits.length }) : ''}</p>
      <${Loading} loaded=${found} rows=${4} empty=${() => hits.length === 0 && html`<p class="prose">${t('search.none', { q })}</p>`}>
        ${() => html`
          <ul id="search-hits" class="hits" role="listbox" aria-label=${t('search.title')}>
            ${hits.map(
              ({ id, name, value, unit }, i) => html`
                <li key=${id} id=${`hit-${i}`} role="option" aria-selected=${String(i === at)}
                  onClick=${() => location.assign(linkTo(id))}>
                  <span><b>${name}</b><small>${id}</small></span><span class="numeric">${number(value)} ${unit}</span>
                </li>`,
            )}
          </ul>`}
      <//>
    <//>`
}

/** @param {string} id */
export const linkTo = (id) => `/management/count?id=${encodeURIComponent(id)}`
