import { html, useLayoutEffect, useRef, useState } from '/assets/vendor/preact.js'
import { Button } from './controls.js'
import { Field } from './field.js'
import { t } from './i18n.js'
import { Icon } from './icons.js'
import { fieldErrors, told } from './problems.js'

/**
 * A modal dialog: the browser keeps the focus inside, Esc closes it, and the focus goes back to where it was.
 * @param {{ title: string, onClose: () => void, wide?: boolean, children?: import('./controls.js').Children }} props
 */
export function Dialog({ title, onClose, wide, children }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null))
  useLayoutEffect(() => {
    const before = document.activeElement
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  // What appears before it may move it in the document, and a dialog that was moved is modal no more.
  useLayoutEffect(() => {
    const dialog = element.current
    if (!dialog || dialog.matches(':modal')) return
    dialog.removeAttribute('open')
    dialog.showModal()
  })
  const cancel = (/** @type {Event} */ event) => {
    event.preventDefault()
    onClose()
  }
  return html`
    <dialog class=${wide ? 'wide' : ''} ref=${element} aria-label=${title} onCancel=${cancel}>
      <header><h2>${title}</h2>
        <${Button} kind="plain" label=${t('action.close')} onClick=${onClose}><${Icon} name="close" /><//>
      </header>
      ${children}
    </dialog>`
}

/**
 * Runs a form's action: what went wrong stands at the fields, or above them.
 * @param {(() => Promise<unknown>)} action
 * @returns {{ busy: boolean, error: unknown, errors: Record<string, string>, submit: (event?: Event) => Promise<void>, refuse: (errors: Record<string, string>) => void }}
 */
export function useSubmit(action) {
  const [state, setState] = useState(
    /** @type {{ busy: boolean, error?: unknown, errors: Record<string, string> }} */ ({
      busy: false,
      errors: {},
    }),
  )
  const refused = useRef(/** @type {EventTarget | null} */ (null))
  // As soon as the message stands there: who types on is already in the field.
  useLayoutEffect(() => {
    if (refused.current instanceof HTMLElement) focusWrong(refused.current)
    refused.current = null
  }, [state.errors])
  const submit = async (/** @type {Event} */ event = new Event('submit')) => {
    event.preventDefault()
    if (state.busy) return
    setState({ busy: true, errors: {} })
    try {
      await action()
      setState({ busy: false, errors: {} })
    } catch (error) {
      const errors = error instanceof FieldFault ? error.errors : fieldErrors(error)
      refused.current = event.target
      setState({ busy: false, error, errors })
    }
  }
  return { ...state, error: state.error, submit, refuse: (errors) => setState({ busy: false, errors }) }
}

/** Thrown by a form that finds its own fault: field → what is wrong. */
export class FieldFault extends Error {
  /** @param {Record<string, string>} errors */
  constructor(errors) {
    super('the form is not complete')
    this.errors = errors
  }
}

/** The first wrong field gets the focus. @param {HTMLElement} form */
function focusWrong(form) {
  const wrong = form.querySelector('[aria-invalid=true]')
  if (wrong instanceof HTMLElement) wrong.focus()
}

/** What a form says when it was refused; at the fields stands the rest. @param {{ error: unknown, errors?: Record<string, string> }} props */
export function FormError({ error, errors = {} }) {
  if (!error) return null
  const atFields = Object.keys(errors).length > 0
  const { title, advice } = told(error)
  return html`<p class="note bad" role="alert"><${Icon} name="warn" />
    <span>${atFields ? t('field.summary') : `${title} ${advice}`}</span></p>`
}

/**
 * Asks before something that cannot be undone: its name must be typed.
 * @param {{ title: string, name: string, action: string, onConfirm: () => Promise<unknown>, onClose: () => void,
 *   children?: import('./controls.js').Children }} props
 */
export function ConfirmByName({ title, name, action, onConfirm, onClose, children }) {
  const [typed, setTyped] = useState('')
  const form = useSubmit(async () => {
    if (typed.trim() !== name) throw new FieldFault({ confirm: t('confirm.mismatch', { name }) })
    await onConfirm()
    onClose()
  })
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <form onSubmit=${form.submit} novalidate>
        <${FormError} ...${form} />
        <div class="prose">${children}</div>
        <${Field} name="confirm" label=${t('confirm.type', { name })} value=${typed} onInput=${setTyped} required focus mono
          error=${form.errors.confirm} />
        <footer>
          <${Button} onClick=${onClose}>${t('action.cancel')}<//>
          <${Button} kind="danger" type="submit" busy=${form.busy}>${action}<//>
        </footer>
      </form>
    <//>`
}
