import { request } from '/assets/api.js'
import { Button, Menu } from '/assets/controls.js'
import { Dialog, FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { WordsField } from '/assets/field.js'
import { t } from '/assets/i18n.js'
import { toast, toastError } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'
import { follow, undoJob } from './jobs.js'

/** @typedef {'tag' | 'untag' | 'pause' | 'activate' | 'archive' | 'delete'} Action */
/** @typedef {{ q: string, tag: string, status: string }} Filter */

/** @param {Filter} filter */
const given = (filter) => Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''))

/**
 * What can be done with the selected counts, or with all that match the filters; each time with one undo.
 * @param {{ selected: Set<string>, filter: Filter, more: boolean, onClear: () => void, onDone: () => void }} props `more`: others
 *   match that are not loaded
 */
export function BulkBar({ selected, filter, more, onClear, onDone }) {
  const [all, setAll] = useState(false)
  const [asking, setAsking] = useState(/** @type {Action | null} */ (null))
  const [busy, setBusy] = useState('')
  const run = async (/** @type {Action} */ action, /** @type {string[]} */ tags = []) => {
    const target = all ? { filter: given(filter) } : { ids: [...selected] }
    const body = { ...target, action, ...(tags.length > 0 && { tags }) }
    setBusy(t('bulk.running', { done: 0, total: all ? '…' : selected.size }))
    try {
      const job = await follow(await request('POST', '/admin/bulk', { body }), ({ processed, total }) =>
        setBusy(t('bulk.running', { done: processed, total: total ?? '…' })),
      )
      const failed = job.failed > 0 ? ` ${t('bulk.failed', { n: job.failed })}` : ''
      const undo = async () => {
        await undoJob(job)
        toast(t('bulk.undone'))
        onDone()
      }
      toast(t(`bulk.done.${action}`, { n: job.updated }) + failed, job.updated > 0 ? { undo } : {})
      onClear()
      onDone()
    } finally {
      setBusy('')
    }
  }
  const choose = (/** @type {Action} */ action) => {
    if (all || action === 'tag' || action === 'untag') setAsking(action)
    else run(action).catch(toastError)
  }
  const further = /** @type {Action[]} */ (['untag', 'activate', 'archive', 'delete'])
  return html`
    <div class="bulk" role="toolbar" aria-label=${t('bulk.bar')}>
      <strong role="status">${busy || (all ? t('bulk.allSelected') : t('bulk.selected', { n: selected.size }))}</strong>
      ${more && !all && html`<${Button} kind="plain" onClick=${() => setAll(true)}>${t('bulk.all')}<//>`}
      <span class="gap"></span>
      <${Button} disabled=${busy !== ''} onClick=${() => choose('tag')}>${t('bulk.tag')}<//>
      <${Button} disabled=${busy !== ''} onClick=${() => choose('pause')}>${t('bulk.pause')}<//>
      <${Menu} label=${t('action.more')} kind="square" items=${further.map((action) => ({
        label: t(`bulk.${action}`),
        danger: action === 'delete',
        disabled: busy !== '',
        onSelect: () => choose(action),
      }))} />
      <${Button} kind="plain" onClick=${onClear}>${t('bulk.none')}<//>
    </div>
    ${asking && html`<${AskBulk} action=${asking} all=${all} onRun=${run} onClose=${() => setAsking(null)} />`}`
}

/** @param {{ action: Action, all: boolean, onRun: (action: Action, tags: string[]) => Promise<void>, onClose: () => void }} props */
function AskBulk({ action, all, onRun, onClose }) {
  const [tags, setTags] = useState(/** @type {string[]} */ ([]))
  const words = action === 'tag' || action === 'untag'
  const form = useSubmit(async () => {
    if (words && tags.length === 0) throw new FieldFault({ tags: t('field.required') })
    await onRun(action, tags)
    onClose()
  })
  return html`
    <${Dialog} title=${t(`bulk.${action}`)} onClose=${onClose}>
      <form onSubmit=${form.submit} novalidate>
        <${FormError} ...${form} />
        ${all && html`<div class="prose"><p>${t('bulk.all.confirm')}</p></div>`}
        ${
          words &&
          html`<${WordsField} name="tags" label=${t('count.tags')} values=${tags} onChange=${setTags} required focus error=${form.errors.tags} />`
        }
        <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//>
          <${Button} kind="primary" type="submit" busy=${form.busy}>${t('bulk.apply')}<//></footer>
      </form>
    <//>`
}
