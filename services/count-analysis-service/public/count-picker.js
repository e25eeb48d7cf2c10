import { get, query } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { useLoad, useSettled } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Icon } from '/assets/icons.js'
import { penOf } from '/assets/panels/ink.js'
import { html, useEffect, useRef, useState } from '/assets/vendor/preact.js'
import { countOf, mostCounts } from './question.js'

/** @typedef {import('./types.js').Question} Question */
/** @typedef {import('./types.js').Hit} Hit */
/** What can be chosen: a count, or a group of counts that are summed. @typedef {{ kind: 'count' | 'tag' | 'prefix', value: string, label: string, about: string }} Choice */

const shown = 8

/** Counts by id or name, as the management list finds them; groups too where they can be compared. @param {string} q @param {boolean} groups @param {AbortSignal} signal @returns {Promise<Choice[]>} */
async function find(q, groups, signal) {
  const [counts, tags] = await Promise.all([
    get(`/admin/counts${query({ q, limit: shown })}`, { signal }),
    groups ? get(`/admin/tags${query({ q, limit: 4 })}`, { signal }) : { items: [] },
  ])
  const prefix = q.toLowerCase()
  return [
    ...counts.items.map((/** @type {Hit} */ { id, name }) => ({
      kind: 'count',
      value: id,
      label: name,
      about: id,
    })),
    ...tags.items.map((/** @type {{ tag: string, counts: number }} */ { tag, counts: n }) => ({
      kind: 'tag',
      value: tag,
      label: t('pick.tag', { tag }),
      about: t('pick.members', { n }),
    })),
    ...(groups && /^[a-z0-9][a-z0-9._:-]{0,127}$/.test(prefix)
      ? [{ kind: 'prefix', value: prefix, label: t('pick.prefix', { prefix }), about: t('pick.prefix.what') }]
      : []),
  ]
}

/** Search as you type, arrows and Enter add; what is chosen stands below. @param {{ question: Question, ask: (change: Partial<Question>) => void }} props */
export function CountPicker({ question, ask }) {
  const [text, setText] = useState('')
  const [open, setOpen] = useState(false)
  const [at, setAt] = useState(0)
  const root = useRef(/** @type {HTMLElement | null} */ (null))
  const groups = question.tab === 'comparison'
  const q = useSettled(text.trim(), 150)
  const found = useLoad(open ? `pick ${groups} ${q}` : null, (signal) => find(q, groups, signal))
  const taken = (/** @type {Choice} */ { kind, value }) => question[kind].includes(value)
  const choices = (found.data ?? []).filter((choice) => !taken(choice))
  useEffect(() => setAt(0), [q])
  const full = question.count.length + question.tag.length + question.prefix.length >= mostCounts
  // What is listed may still be of what was typed before.
  const current = q === text.trim() && found.data !== undefined
  const [awaited, setAwaited] = useState(false)
  useEffect(() => {
    if (!awaited || !current) return
    setAwaited(false)
    choose(choices[0])
  }, [awaited, current])
  const choose = (/** @type {Choice | undefined} */ choice) => {
    if (!choice || full) return
    setOpen(false)
    ask({
      [choice.kind]: [...question[choice.kind], choice.value],
      ...(choice.kind === 'count' && { of: choice.value }),
    })
    setText('')
  }
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return // Korean: Enter ends the syllable first.
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) {
      event.preventDefault()
      if (!open) setOpen(true)
      else if (choices.length) setAt((at + step + choices.length) % choices.length)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      if (!current) setAwaited(open && text.trim() !== '')
      else if (open) choose(choices[at])
    } else if (event.key === 'Escape' && open) {
      event.stopPropagation()
      setOpen(false)
    }
  }
  const leave = (/** @type {FocusEvent} */ event) => {
    if (!(event.relatedTarget instanceof Node && root.current?.contains(event.relatedTarget))) setOpen(false)
  }
  return html`
    <div class="field picker" ref=${root} onFocusOut=${leave}>
      <label for="pick">${t(groups ? 'pick.label.groups' : 'pick.label')}</label>
      <input type="search" id="pick" role="combobox" autocomplete="off" spellcheck=${false} value=${text} aria-expanded=${String(open)}
        aria-controls="pick-list" aria-autocomplete="list" aria-activedescendant=${open && choices[at] ? `pick-${at}` : null}
        placeholder=${t(groups ? 'pick.hint.groups' : 'pick.hint')} disabled=${full} onFocus=${() => setOpen(true)} onClick=${() => setOpen(true)} onKeyDown=${press}
        onInput=${(/** @type {{ currentTarget: HTMLInputElement }} */ event) => {
          setText(event.currentTarget.value)
          setOpen(true)
        }} />
      <p class="unseen" role="status">${open && found.data ? t('search.found', { n: choices.length }) : ''}</p>
      ${
        open &&
        html`<div class="pick-box">
          ${Boolean(found.error) && html`<p class="hint">${t('pick.error')} <${Button} small onClick=${found.reload}>${t('action.retry')}<//></p>`}
          ${found.data && choices.length === 0 && html`<p class="hint">${text ? t('pick.none', { q }) : t('pick.all')}</p>`}
          <ul id="pick-list" class="hits" role="listbox" aria-label=${t('pick.label')}>
            ${choices.map(
              (choice, i) => html`
              <li key=${`${choice.kind} ${choice.value}`} id=${`pick-${i}`} role="option" aria-selected=${String(i === at)}
                onPointerDown=${(/** @type {Event} */ event) => event.preventDefault()} onClick=${() => choose(choice)}>
                <span><b>${choice.label}</b><small>${choice.about}</small></span></li>`,
            )}
          </ul></div>`
      }
      ${full && html`<p class="hint">${t('pick.full', { n: mostCounts })}</p>`}
      <${Chosen} question=${question} ask=${ask} />
    </div>`
}

/** Names, so that a removed count is not asked for again as it comes back. @type {Map<string, string>} */
const names = new Map()
/** @param {string} id @param {AbortSignal} signal */
async function nameOf(id, signal) {
  const known = names.get(id) ?? (await get(`/admin/counts/${encodeURIComponent(id)}`, { signal })).name
  names.set(id, known)
  return known
}

/** What was chosen: in the colour of its line, to be looked at by itself, or taken away. @param {{ question: Question, ask: (change: Partial<Question>) => void }} props */
function Chosen({ question, ask }) {
  const { tab, count, tag, prefix } = question
  const groups = tab === 'comparison'
  const items = [
    ...count.map((value) => ({ kind: /** @type {const} */ ('count'), value })),
    ...(groups ? tag.map((value) => ({ kind: /** @type {const} */ ('tag'), value })) : []),
    ...(groups ? prefix.map((value) => ({ kind: /** @type {const} */ ('prefix'), value })) : []),
  ]
  const one = countOf(question)
  const without = (/** @type {Choice['kind']} */ kind, /** @type {string} */ value) =>
    ask({ [kind]: question[kind].filter((other) => other !== value) })
  return html`
    <ul class="chosen" aria-label=${t('pick.chosen')}>
      ${items.map(
        ({ kind, value }, i) => html`
        <${ChosenItem} key=${`${kind} ${value}`} kind=${kind} value=${value} pen=${groups ? i : 0} alone=${items.length === 1}
          looked=${groups || value === one} onLook=${groups ? null : () => ask({ of: value })} onRemove=${() => without(kind, value)} />`,
      )}
    </ul>`
}

/** @param {{ kind: Choice['kind'], value: string, pen: number, alone: boolean, looked: boolean, onLook: (() => void) | null, onRemove: () => void }} props */
function ChosenItem({ kind, value, pen, alone, looked, onLook, onRemove }) {
  const loaded = useLoad(kind === 'count' ? `name ${value}` : null, (signal) => nameOf(value, signal))
  const name = kind === 'count' ? (loaded.data ?? value) : t(`pick.${kind}`, { [kind]: value })
  const { name: colour } = penOf(pen)
  const text = html`<span class=${`dot ${looked ? colour : ''}`} aria-hidden="true"></span><span class="name"><b>${name}</b>${kind === 'count' && name !== value && html`<small>${value}</small>`}</span>`
  return html`
    <li class=${looked ? 'looked' : ''}>
      ${onLook && !alone ? html`<button type="button" class="look" aria-pressed=${String(looked)} onClick=${onLook}>${text}</button>` : html`<span class="look">${text}</span>`}
      <${Button} kind="plain" small label=${t('action.remove', { name })} onClick=${onRemove}><${Icon} name="close" /><//>
    </li>`
}
