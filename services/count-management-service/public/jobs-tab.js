import { get, may } from '/assets/api.js'
import { Badge } from '/assets/controls.js'
import { dateTime } from '/assets/format.js'
import { useLoad } from '/assets/hooks.js'
import { has, t } from '/assets/i18n.js'
import { Empty, Loading } from '/assets/states.js'
import { Table } from '/assets/table.js'
import { toast, toastError } from '/assets/toast.js'
import { html } from '/assets/vendor/preact.js'
import { cancelJob, undoJob } from './jobs.js'

/** @typedef {import('./types.js').Job} Job */

/** @type {Record<Job['status'], 'good' | 'warn' | 'bad' | 'quiet'>} */
const tones = { running: 'quiet', done: 'good', failed: 'bad', cancelled: 'warn' }
/** @param {string} kind as the server names it, `import.counts` */
const kindName = (kind) => {
  const short = ['undo', 'bulk', 'history', 'counts'].find((word) => kind.includes(word))
  return short && has(`job.${short}`) ? t(`job.${short}`) : kind
}

/** Imports and bulk changes: running, done, undone. */
export function JobsTab() {
  const loaded = useLoad('jobs', (signal) => get('/admin/jobs?limit=100', { signal }), 1000)
  const run = async (/** @type {() => Promise<unknown>} */ action, /** @type {string} */ done) => {
    try {
      await action()
      toast(done)
    } catch (error) {
      toastError(error)
    }
    loaded.reload()
  }
  const buttonOf = (/** @type {Job} */ job) => {
    const name = `${kindName(job.kind)}, ${dateTime(job.createdAt)}`
    if (!may('editor')) return null
    if (job.status === 'running')
      return html`<button type="button" class="button small" aria-label=${t('jobs.cancelOne', { name })}
        onClick=${() => run(() => cancelJob(job), t('import.result.cancelled'))}>${t('import.cancel')}</button>`
    return job.undoable && !job.undone
      ? html`<button type="button" class="button small" aria-label=${t('jobs.undoOne', { name })}
          onClick=${() => run(() => undoJob(job), t('import.undone'))}>${t('action.undo')}</button>`
      : null
  }
  /** @type {import('/assets/table.js').Column<Job>[]} */
  const columns = [
    {
      id: 'kind',
      label: t('jobs.kind'),
      narrow: 'first',
      cell: ({ kind, actor, dryRun }) =>
        html`<span class="two-lines"><b>${kindName(kind)}</b><small>${actor}${dryRun && ` · ${t('job.dryRun')}`}</small></span>`,
    },
    {
      id: 'status',
      label: t('jobs.status'),
      cell: ({ status, undone }) =>
        html`<${Badge} tone=${undone ? 'quiet' : tones[status]}>${undone ? t('import.undone') : t(`import.status.${status}`)}<//>`,
    },
    {
      id: 'result',
      label: t('jobs.result'),
      cell: ({ created, updated, failed }) => t('jobs.summary', { created, updated, failed }),
    },
    { id: 'started', label: t('jobs.started'), cell: ({ createdAt }) => dateTime(createdAt) },
    {
      id: 'actions',
      label: t('action.more'),
      bare: true,
      narrow: 'side',
      cell: (job) => html`<div class="row-end">${buttonOf(job)}</div>`,
    },
  ]
  const empty = (/** @type {{ items: Job[] }} */ { items }) =>
    items.length === 0 && html`<${Empty} title=${t('jobs.empty.title')}>${t('jobs.empty')}<//>`
  return html`
    <${Loading} loaded=${loaded} rows=${4} empty=${empty}>
      ${(/** @type {{ items: Job[] }} */ { items }) => html`
        <${Table} caption=${t('jobs.caption')} columns=${columns} rows=${items} keyOf=${(/** @type {Job} */ { id }) => id} />`}
    <//>`
}
