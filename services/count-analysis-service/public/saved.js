import { get, may, request } from '/assets/api.js'
import { Button, Menu } from '/assets/controls.js'
import { Dialog, FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { Field } from '/assets/field.js'
import { ago } from '/assets/format.js'
import { useLoad } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Empty, Loading } from '/assets/states.js'
import { toast, toastError } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'
import { read, write } from './question.js'

/** @typedef {import('./types.js').Question} Question */
/** @typedef {import('./types.js').Saved} Saved */

const path = '/admin/analyses'
const pathTo = (/** @type {string} */ id) => `${path}/${encodeURIComponent(id)}`

/** A question as it is kept: what its address holds, without which saved one it came from. @param {Question} question */
export const stateOf = (question) => ({ search: write({ ...question, saved: '' }) })
/** The address of a saved analysis. @param {Saved} saved */
export const linkTo = ({ id, state }) =>
  write({ ...read(typeof state.search === 'string' ? state.search : ''), saved: id })

/** @param {Error | unknown} error */
const isTaken = (error) => error instanceof Error && error.name === 'already-exists'
/** Runs what takes a name; one that is taken is the name's fault. @template T @param {Promise<T>} change */
const named = (change) =>
  change.catch((error) => {
    throw isTaken(error) ? new FieldFault({ name: t('saved.name.taken') }) : error
  })

/** @param {{ question: Question, opened: Saved | undefined, onSaved: (saved: Saved) => void, onClose: () => void }} props */
export function SaveDialog({ question, opened, onSaved, onClose }) {
  const [name, setName] = useState(opened?.name ?? '')
  const save = async (/** @type {Promise<Saved>} */ change) => {
    const saved = await named(change)
    toast(t('saved.done', { name: saved.name }))
    onSaved(saved)
    onClose()
  }
  const body = () => {
    if (!name.trim()) throw new FieldFault({ name: t('field.required') })
    return { name: name.trim(), state: stateOf(question) }
  }
  const fresh = useSubmit(async () => await save(request('POST', path, { body: body() })))
  const replace = useSubmit(
    async () => opened && (await save(request('PUT', pathTo(opened.id), { body: body() }))),
  )
  const form = replace.error ? replace : fresh
  return html`
    <${Dialog} title=${t('saved.save.title')} onClose=${onClose}>
      <form onSubmit=${opened ? replace.submit : fresh.submit} novalidate>
        <${FormError} ...${form} />
        <p>${t('saved.what')}</p>
        <${Field} name="name" label=${t('saved.name')} value=${name} onInput=${setName} required focus error=${form.errors.name} />
        <footer>
          <${Button} onClick=${onClose}>${t('action.cancel')}<//>
          ${
            opened
              ? html`<${Button} busy=${fresh.busy} onClick=${fresh.submit}>${t('saved.new')}<//>
                <${Button} kind="primary" type="submit" busy=${replace.busy}>${t('saved.update', { name: opened.name })}<//>`
              : html`<${Button} kind="primary" type="submit" busy=${fresh.busy}>${t('saved.save')}<//>`
          }
        </footer>
      </form>
    <//>`
}

/** @param {{ saved: Saved, onDone: () => void }} props */
function Rename({ saved, onDone }) {
  const [name, setName] = useState(saved.name)
  const form = useSubmit(async () => {
    if (!name.trim()) throw new FieldFault({ name: t('field.required') })
    await named(request('PUT', pathTo(saved.id), { body: { name: name.trim(), state: saved.state } }))
    toast(t('saved.renamed', { name: name.trim() }))
    onDone()
  })
  return html`
    <form class="rename" onSubmit=${form.submit} novalidate>
      <${FormError} ...${form} />
      <${Field} name="rename" label=${t('saved.name')} value=${name} onInput=${setName} required focus error=${form.errors.name} />
      <div class="row"><${Button} kind="primary" type="submit" small busy=${form.busy}>${t('saved.rename')}<//>
        <${Button} small onClick=${onDone}>${t('action.cancel')}<//></div>
    </form>`
}

/** All that is saved: to open, rename and delete. @param {{ onOpen: (saved: Saved) => void, onChange: () => void, onClose: () => void }} props */
export function SavedDialog({ onOpen, onChange, onClose }) {
  const loaded = useLoad(path, (signal) => get(`${path}?limit=1000`, { signal }))
  const [renaming, setRenaming] = useState('')
  const changed = () => {
    loaded.reload()
    onChange()
  }
  const remove = async (/** @type {Saved} */ { id, name, state }) => {
    try {
      await request('DELETE', pathTo(id))
      toast(t('saved.deleted', { name }), {
        undo: async () => {
          await request('POST', path, { body: { name, state } })
          changed()
        },
      })
      changed()
    } catch (error) {
      toastError(error)
    }
  }
  const item = (/** @type {Saved} */ saved) => html`
    <li key=${saved.id}>${
      renaming === saved.id
        ? html`<${Rename} saved=${saved} onDone=${() => {
            setRenaming('')
            changed()
          }} />`
        : html`<a href=${linkTo(saved)} onClick=${(/** @type {MouseEvent} */ event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return
            event.preventDefault()
            onOpen(saved)
          }}><b>${saved.name}</b><small>${t(`tab.${read(linkTo(saved)).tab}`)} · ${t('saved.by', { who: saved.createdBy, when: ago(saved.updatedAt) })}</small></a>
          ${
            may('editor') &&
            html`<${Menu} label=${t('saved.actions', { name: saved.name })} items=${[
              { label: t('saved.rename'), onSelect: () => setRenaming(saved.id) },
              { label: t('action.delete'), danger: true, onSelect: () => remove(saved) },
            ]} />`
          }`
    }</li>`
  return html`
    <${Dialog} title=${t('saved.title')} onClose=${onClose}>
      <${Loading} loaded=${loaded} rows=${4} empty=${(/** @type {{ items: Saved[] }} */ { items }) =>
        items.length === 0 && html`<${Empty} title=${t('saved.empty.title')}>${t('saved.empty')}<//>`}>
        ${(/** @type {{ items: Saved[] }} */ { items }) => html`<ul class="saved">${items.map(item)}</ul>`}
      <//>
    <//>`
}
