import { html, useRef, useState } from '/assets/vendor/preact.js'
import { t } from './i18n.js'
import { Icon } from './icons.js'

let ids = 0
/** @param {string} name */
const useId = (name) => {
  const id = useRef('')
  id.current ||= `${name}-${++ids}`
  return id.current
}

/**
 * @typedef {object} FieldProps
 * @property {string} name
 * @property {string} label
 * @property {string} value
 * @property {(value: string) => void} onInput
 * @property {string} [error] in the reader's language
 * @property {string} [hint]
 * @property {'text' | 'password' | 'number' | 'search' | 'datetime-local' | 'textarea' | 'select'} [kind]
 * @property {{ value: string, label: string }[]} [options] of a select
 * @property {boolean} [required] others are marked as optional
 * @property {boolean} [plain] marks nothing as optional
 * @property {boolean} [disabled]
 * @property {boolean} [mono]
 * @property {boolean} [focus] when it appears
 * @property {string} [autocomplete]
 * @property {string} [suggestions] id of a datalist
 */

/** A labelled input with its hint and its error. @param {FieldProps} props */
export function Field({ name, label, value, onInput, error, hint, kind = 'text', options = [], ...rest }) {
  const id = useId(name)
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ')
  const common = {
    id,
    name,
    value,
    disabled: rest.disabled,
    class: rest.mono ? 'mono' : '',
    'aria-invalid': error ? 'true' : null,
    'aria-describedby': described || null,
    'aria-required': rest.required ? 'true' : null,
    onInput: (/** @type {{ currentTarget: { value: string } }} */ event) =>
      onInput(event.currentTarget.value),
    // A dialog looks for this as it opens; elsewhere it is focused once, as it appears.
    autofocus: rest.focus,
    ref: rest.focus ? (/** @type {HTMLElement | null} */ element) => focusOnce(element) : null,
  }
  const digits = kind === 'number'
  const control =
    kind === 'textarea'
      ? html`<textarea ...${common} rows="3"></textarea>`
      : kind === 'select'
        ? html`<select ...${common}>${options.map(
            (option) =>
              html`<option key=${option.value} value=${option.value} selected=${option.value === value}>${option.label}</option>`,
          )}</select>`
        : html`<input ...${common} type=${digits ? 'text' : kind} inputmode=${digits ? 'numeric' : null}
            autocomplete=${rest.autocomplete ?? 'off'} spellcheck=${false} list=${rest.suggestions} />`
  return html`
    <div class=${`field ${error ? 'wrong' : ''}`}>
      <label for=${id}>${label}${!rest.required && !rest.plain && html` <small>${t('field.optional')}</small>`}</label>
      ${control}
      ${error && html`<p class="field-error" id=${`${id}-error`}><${Icon} name="warn" /> ${error}</p>`}
      ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    </div>`
}

/** @type {WeakSet<HTMLElement>} */
const focused = new WeakSet()
/** @param {HTMLElement | null} element */
function focusOnce(element) {
  if (!element || focused.has(element)) return
  focused.add(element)
  queueMicrotask(() => element.closest('dialog') || element.focus())
}

/** @param {{ label: string, checked: boolean, onChange: (checked: boolean) => void, disabled?: boolean, hint?: string }} props */
export const Checkbox = ({ label, checked, onChange, disabled, hint }) => html`
  <label class="check">
    <input type="checkbox" checked=${checked} disabled=${disabled}
      onChange=${(/** @type {{ currentTarget: { checked: boolean } }} */ event) => onChange(event.currentTarget.checked)} />
    <span>${label}${hint && html`<small>${hint}</small>`}</span>
  </label>`

/**
 * Several words: Enter or a comma adds one, Backspace in the empty field takes the last.
 * @param {{ name: string, label: string, values: string[], onChange: (values: string[]) => void, error?: string, hint?: string,
 *   required?: boolean, suggestions?: string, disabled?: boolean, placeholder?: string,
 *   focus?: boolean }} props `focus`: as its dialog opens
 */
export function WordsField({
  name,
  label,
  values,
  onChange,
  error,
  hint,
  required,
  suggestions,
  disabled,
  placeholder,
  focus,
}) {
  const id = useId(name)
  const [text, setText] = useState('')
  const add = () => {
    const words = text.split(',').map((word) => word.trim())
    const fresh = [...new Set(words)].filter((word) => word && !values.includes(word))
    if (fresh.length) onChange([...values, ...fresh])
    setText('')
  }
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return // Korean: Enter ends the syllable first.
    if ((event.key === 'Enter' || event.key === ',') && text.trim()) {
      event.preventDefault()
      add()
    } else if (event.key === 'Backspace' && !text) onChange(values.slice(0, -1))
  }
  return html`
    <div class=${`field ${error ? 'wrong' : ''}`}>
      <label for=${id}>${label}${!required && html` <small>${t('field.optional')}</small>`}</label>
      <div class="words">
        ${values.map(
          (word) =>
            html`<span class="tag" key=${word}>${word}${
              !disabled &&
              html`<button type="button" aria-label=${t('action.remove', { name: word })}
              onClick=${() => onChange(values.filter((other) => other !== word))}><${Icon} name="close" /></button>`
            }</span>`,
        )}
        <input id=${id} name=${name} value=${text} list=${suggestions} disabled=${disabled} autocomplete="off" autofocus=${focus}
          placeholder=${placeholder ?? t('field.tags.add')} aria-invalid=${error ? 'true' : null}
          aria-describedby=${error ? `${id}-error` : null} onKeyDown=${press} onBlur=${add}
          onInput=${(/** @type {{ currentTarget: HTMLInputElement }} */ event) => setText(event.currentTarget.value)} />
      </div>
      ${error && html`<p class="field-error" id=${`${id}-error`}><${Icon} name="warn" /> ${error}</p>`}
      ${hint && html`<p class="hint">${hint}</p>`}
    </div>`
}

/**
 * The whole number that was typed, in any grouping; null for nothing, NaN for what is no number.
 * @param {string} text
 */
export function numberOf(text) {
  const plain = text.replace(/[\s,_]/g, '').replace('−', '-')
  if (plain === '') return null
  return /^[+-]?\d+$/.test(plain) ? Number(plain) : Number.NaN
}
