import { html, useLayoutEffect, useRef, useState } from '/assets/vendor/preact.js'
import { t } from './i18n.js'
import { Icon } from './icons.js'

/** @typedef {import('/assets/vendor/preact.js').ComponentChildren} Children */

/**
 * @param {{ kind?: 'primary' | 'danger' | 'plain', busy?: boolean, disabled?: boolean, type?: 'button' | 'submit',
 *   onClick?: (event: Event) => void, label?: string, small?: boolean, pressed?: boolean, children?: Children }} props `label` where
 *   there is only an icon
 */
export const Button = ({
  kind,
  busy,
  disabled,
  type = 'button',
  onClick,
  label,
  small,
  pressed,
  children,
}) => html`
  <button type=${type} class=${['button', kind, small && 'small', label && 'square'].filter(Boolean).join(' ')}
    disabled=${disabled} aria-busy=${busy ? 'true' : null} aria-label=${label} title=${label} aria-pressed=${pressed}
    onClick=${busy ? (/** @type {Event} */ event) => event.preventDefault() : onClick}>${children}</button>`

/** A link that looks like a button. @param {{ href: string, kind?: string, download?: boolean, children?: Children }} props */
export const LinkButton = ({ href, kind = '', download, children }) =>
  html`<a class=${`button ${kind}`} href=${href} download=${download}>${children}</a>`

/** A filter that is on or off, or is taken away. @param {{ on: boolean, onClick: () => void, removable?: boolean, children?: Children }} props */
export const Chip = ({ on, onClick, removable, children }) => html`
  <button type="button" class="chip" aria-pressed=${removable ? null : String(on)} onClick=${onClick}>
    ${children}${removable && html`<${Icon} name="close" />`}
  </button>`

/** A word about a state, with a shape: never colour alone. @param {{ tone?: 'good' | 'warn' | 'bad' | 'quiet', children?: Children }} props */
export const Badge = ({ tone = 'quiet', children }) => html`<span class=${`badge ${tone}`}>${children}</span>`

/** Fixed to the window, as a table that scrolls would cut it off: below its button, or above where there is no room. @param {HTMLElement} menu */
function place(menu) {
  const list = menu.querySelector('.menu-list')
  if (!(list instanceof HTMLElement)) return
  const button = menu.getBoundingClientRect()
  const { width, height } = list.getBoundingClientRect()
  const below = button.bottom + 4
  const room = below + height <= innerHeight || button.top < height
  list.style.top = `${room ? below : button.top - 4 - height}px`
  list.style.left = `${Math.max(8, button.right - width)}px`
}

/**
 * @typedef {{ label: string, onSelect?: () => void, href?: string, danger?: boolean, checked?: boolean, disabled?: boolean } | null | false | undefined} MenuItem
 * A button that opens a menu: arrows move, Enter chooses, Esc closes and gives the focus back.
 * @param {{ label: string, items: MenuItem[], icon?: any, text?: Children, kind?: string }} props
 */
export function Menu({ label, items, icon = 'more', text, kind = 'plain square' }) {
  const [open, setOpen] = useState(false)
  const root = useRef(/** @type {HTMLElement | null} */ (null))
  const entries = () => [...(root.current?.querySelectorAll('[role^=menuitem]:not([disabled])') ?? [])]
  const focus = (/** @type {Element | undefined | null} */ element) =>
    // Without scrolling: that would close the menu.
    element instanceof HTMLElement && element.focus({ preventScroll: true })
  const close = (/** @type {boolean} */ back) => {
    setOpen(false)
    if (back) focus(root.current?.querySelector('button'))
  }
  // Before the next key is pressed: it is meant for the menu already.
  useLayoutEffect(() => {
    if (!open || !root.current) return
    place(root.current)
    focus(entries()[0])
    const away = () => close(false)
    const outside = (/** @type {Event} */ event) =>
      event.target instanceof Node && !root.current?.contains(event.target) && close(false)
    addEventListener('pointerdown', outside)
    addEventListener('scroll', away)
    return () => {
      removeEventListener('pointerdown', outside)
      removeEventListener('scroll', away)
    }
  }, [open])
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (!open) return
    const all = entries()
    const at = all.findIndex((entry) => entry.matches(':focus'))
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key]
    if (to !== undefined) {
      event.preventDefault()
      focus(all.at(to % all.length))
    } else if (event.key === 'Escape') {
      event.stopPropagation()
      event.preventDefault()
      close(true)
    } else if (event.key === 'Tab') close(false)
  }
  const item = (/** @type {MenuItem} */ entry) => {
    if (!entry) return null
    const { checked, danger, href, disabled } = entry
    const role = checked === undefined ? 'menuitem' : 'menuitemradio'
    const choose = () => {
      close(true)
      entry.onSelect?.()
    }
    const look = danger ? 'danger' : ''
    return href
      ? html`<a role=${role} class=${look} href=${href} tabindex="-1">${entry.label}</a>`
      : html`<button type="button" role=${role} class=${look} tabindex="-1" disabled=${disabled}
          aria-checked=${checked === undefined ? null : String(checked)} onClick=${choose}>
          ${entry.label}${checked && html`<${Icon} name="check" />`}</button>`
  }
  return html`
    <div class="menu" ref=${root} onKeyDown=${press}>
      <button type="button" class=${`button ${kind}`} aria-label=${label} title=${text ? null : label} aria-haspopup="menu"
        aria-expanded=${String(open)} onClick=${() => setOpen(!open)}>
        ${text ?? html`<${Icon} name=${icon} />`}
      </button>
      ${open && html`<div class="menu-list" role="menu" aria-label=${label}>${items.map(item)}</div>`}
    </div>`
}

/**
 * Tabs: arrows move between them. The panel is drawn by the caller, in `children`.
 * @param {{ label: string, tabs: { id: string, label: string }[], current: string, onSelect: (id: string) => void, children?: Children }} props
 */
export function Tabs({ label, tabs, current, onSelect, children }) {
  const press = (/** @type {KeyboardEvent} */ event) => {
    const at = tabs.findIndex((tab) => tab.id === current)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key]
    const next = to === undefined ? undefined : tabs.at(to % tabs.length)
    if (!next) return
    event.preventDefault()
    onSelect(next.id)
    document.getElementById(`tab-${next.id}`)?.focus()
  }
  return html`
    <div class="tabs" role="tablist" aria-label=${label} onKeyDown=${press}>
      ${tabs.map(
        ({ id, label: name }) => html`
          <button type="button" role="tab" id=${`tab-${id}`} key=${id} aria-selected=${String(id === current)}
            aria-controls="tab-panel" tabindex=${id === current ? 0 : -1} onClick=${() => onSelect(id)}>${name}</button>`,
      )}
    </div>
    <div role="tabpanel" id="tab-panel" aria-labelledby=${`tab-${current}`}>${children}</div>`
}

/** Copies a text and says so. @param {{ text: string, onCopied: () => void }} props */
export const CopyButton = ({ text, onCopied }) => html`
  <${Button} onClick=${() => navigator.clipboard.writeText(text).then(onCopied, () => {})}>
    <${Icon} name="copy" /> ${t('action.copy')}
  <//>`
