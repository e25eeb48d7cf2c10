import { get, query } from '/assets/api.js'
import { Field } from '/assets/field.js'
import { number } from '/assets/format.js'
import { useLoad, useSettled } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Icon } from '/assets/icons.js'
import { html, useState } from '/assets/vendor/preact.js'

/** @typedef {import('./types.js').CountSelection} CountSelection */
/** @typedef {{ id: string, name: string, value: number | null, unit: string }} Hit */

const ways = /** @type {const} */ (['ids', 'prefix', 'tag'])
const mostIds = 100
const idPattern = /^[a-z0-9][a-z0-9._:-]{0,127}$/

/** @param {CountSelection} value @returns {(typeof ways)[number]} */
const wayOf = (value) => ways.find((way) => value[way] !== undefined) ?? 'ids'

/** What is wrong with a choice of counts, in the reader's language. @param {CountSelection | undefined} value */
export function faultOf(value) {
  if (!value) return t('picker.required')
  if (value.ids) return value.ids.length === 0 ? t('picker.required') : undefined
  if (value.prefix !== undefined && !idPattern.test(value.prefix)) return t('field.id')
  return value.prefix || value.tag ? undefined : t('field.required')
}

/**
 * Which counts: some by name, or all whose id begins so or that carry a tag, also those that come later.
 * @param {{ value: CountSelection, onChange: (value: CountSelection) => void, error?: string, single?: boolean }} props `single`: one count by name
 */
export function CountPicker({ value, onChange, error, single }) {
  const way = wayOf(value)
  const choose = (/** @type {(typeof ways)[number]} */ next) =>
    onChange(next === 'ids' ? { ids: [] } : { [next]: '' })
  return html`<fieldset class=${error ? 'wrong' : ''}><legend>${t(single ? 'panel.count' : 'picker.title')}</legend>
    ${
      !single &&
      html`<div class="segments" role="radiogroup" aria-label=${t('picker.way')}>${ways.map(
        (
          name,
        ) => html`<label key=${name} class="segment"><input type="radio" name="way" checked=${way === name} onChange=${() => choose(name)} />
        <span>${t(`picker.${name}`)}</span></label>`,
      )}</div>`
    }
    ${way === 'ids' && html`<${PickIds} ids=${value.ids ?? []} onChange=${(/** @type {string[]} */ ids) => onChange({ ids })} />`}
    ${way === 'prefix' && html`<${PickPrefix} prefix=${value.prefix ?? ''} onChange=${(/** @type {string} */ prefix) => onChange({ prefix })} />`}
    ${way === 'tag' && html`<${PickTag} tag=${value.tag ?? ''} onChange=${(/** @type {string} */ tag) => onChange({ tag })} />`}
    ${error && html`<p class="field-error"><${Icon} name="warn" /> ${error}</p>`}
  </fieldset>`
}

/** @param {{ ids: string[], onChange: (ids: string[]) => void }} props */
function PickIds({ ids, onChange }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const [open, setOpen] = useState(false)
  const q = useSettled(text.trim(), 120)
  const found = useLoad(open ? `pick ${q}` : null, (signal) =>
    get(`/admin/counts${query({ q, limit: 20 })}`, { signal }),
  )
  /** @type {Hit[]} */
  const hits = (found.data?.items ?? []).filter((/** @type {Hit} */ { id }) => !ids.includes(id)).slice(0, 8)
  // A count that is not there yet may be named by its id.
  const other =
    q && idPattern.test(q) && !ids.includes(q) && !hits.some(({ id }) => id === q) && found.data ? q : null
  const offered = open ? [...hits.map(({ id }) => id), ...(other ? [other] : [])] : []
  const add = (/** @type {string | undefined} */ id) => {
    if (!id || ids.length >= mostIds) return
    onChange([...ids, id])
    setAt(0)
  }
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step && offered.length) {
      event.preventDefault()
      setAt((at + step + offered.length) % offered.length)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      add(offered[at])
    }
  }
  return html`<div class="pick-ids">
    ${
      ids.length > 0 &&
      html`<ul class="tags" aria-label=${t('picker.chosen')}>${ids.map(
        (
          id,
        ) => html`<li class="tag mono" key=${id}>${id}<button type="button" aria-label=${t('action.remove', { name: id })}
        onClick=${() => onChange(ids.filter((one) => one !== id))}><${Icon} name="close" /></button></li>`,
      )}</ul>`
    }
    <input type="search" role="combobox" aria-label=${t('picker.search')} placeholder=${t('picker.search')} value=${text} autocomplete="off" spellcheck=${false}
      aria-expanded=${String(offered.length > 0)} aria-controls="pick-hits" aria-activedescendant=${offered[at] ? `pick-${at}` : null} aria-autocomplete="list"
      onKeyDown=${press} onFocus=${() => setOpen(true)} onBlur=${() => setOpen(false)} onInput=${(
        /** @type {{ currentTarget: HTMLInputElement }} */ event,
      ) => {
        setText(event.currentTarget.value)
        setAt(0)
      }} />
    <p class="unseen" role="status">${found.data ? t('search.found', { n: offered.length }) : ''}</p>
    <ul id="pick-hits" class="hits" role="listbox" aria-label=${t('picker.search')} hidden=${offered.length === 0}
      onMouseDown=${(/** @type {Event} */ event) => event.preventDefault()}>
      ${hits.map(
        (
          { id, name, value, unit },
          i,
        ) => html`<li key=${id} id=${`pick-${i}`} role="option" aria-selected=${String(i === at)} onClick=${() => add(id)}>
          <span><b>${name}</b><small>${id}</small></span><span class="numeric">${number(value)} ${unit}</span></li>`,
      )}
      ${other && html`<li id=${`pick-${hits.length}`} role="option" aria-selected=${String(hits.length === at)} onClick=${() => add(other)}><span>${t('picker.unknown', { id: other })}</span></li>`}
    </ul></div>`
}

/** @param {{ prefix: string, onChange: (prefix: string) => void }} props */
const PickPrefix = ({ prefix, onChange }) => html`
  <${Field} name="prefix" label=${t('picker.prefix.label')} value=${prefix} onInput=${onChange} hint=${t('picker.prefix.hint')} mono required />`

/** @param {{ tag: string, onChange: (tag: string) => void }} props */
function PickTag({ tag, onChange }) {
  const found = useLoad('tags', (signal) => get(`/admin/tags${query({ limit: 200 })}`, { signal }))
  /** @type {{ tag: string, counts: number }[]} */
  const tags = found.data?.items ?? []
  return html`<${Field} name="tag" label=${t('picker.tag.label')} value=${tag} onInput=${onChange} hint=${t('picker.tag.hint')} suggestions="pick-tags" required />
    <datalist id="pick-tags">${tags.map(({ tag: one, counts }) => html`<option key=${one} value=${one}>${t('picker.tag.counts', { n: counts })}</option>`)}</datalist>`
}
