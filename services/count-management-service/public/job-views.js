import { Button, LinkButton } from '/assets/controls.js'
import { duration, number } from '/assets/format.js'
import { t } from '/assets/i18n.js'
import { Note } from '/assets/states.js'
import { toast, toastError } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'
import { cancelJob, undoJob } from './jobs.js'

/** @typedef {import('./types.js').Job} Job */

const figures = /** @type {const} */ (['created', 'updated', 'unchanged', 'failed'])

/** What a job did, or would do. @param {{ job: Job }} props */
export const Figures = ({ job }) => html`
  <dl class="figures">${figures.map(
    (name) => html`<div key=${name}><dt>${t(`import.${name}`)}</dt><dd>${number(job[name])}</dd></div>`,
  )}</dl>`

/** How far it is, how fast, how long still. @param {{ job: Job, cancellable?: boolean }} props */
export function JobProgress({ job, cancellable }) {
  const { processed, total } = job
  const seconds = Math.max(1, (Date.now() - Date.parse(job.createdAt)) / 1000)
  const rate = processed / seconds
  const left = total !== null && rate > 0 ? (total - processed) / rate : undefined
  return html`
    <progress max=${total ?? 1} value=${total === null ? null : processed} aria-label=${t('import.processed')}></progress>
    <div class="facts">
      <span>${t('import.processed')} ${number(processed)}${total !== null && ` / ${number(total)}`}</span>
      <span>${t('import.rate', { n: Math.round(rate) })}</span>
      ${left !== undefined && html`<span>${t('import.left', { time: duration(left) })}</span>`}
      <span class="gap"></span>
      ${cancellable && html`<${Button} onClick=${() => cancelJob(job).catch(toastError)}>${t('import.cancel')}<//>`}
    </div>`
}

/** The bad lines: the first of them here, all to download. @param {{ job: Job }} props */
export function JobErrors({ job }) {
  if (job.errors.length === 0) return null
  return html`
    <div class="table-box scroll" tabindex="0" role="region" aria-label=${t('import.errors')}>
      <table class="plain">
        <caption>${t('import.errors.caption', { n: job.failed })}</caption>
        <thead><tr><th scope="col" class="numeric">${t('import.errors.line')}</th><th scope="col">${t('import.errors.message')}</th></tr></thead>
        <tbody>${job.errors.map(
          ({ line, message }, i) =>
            html`<tr key=${i}><td class="numeric">${number(line)}</td><td>${message}</td></tr>`,
        )}</tbody>
      </table>
    </div>
    ${
      job.id &&
      html`<div><${LinkButton} href=${`/api/v1/admin/jobs/${job.id}/errors?format=csv`} download>${t('import.errors.download')}<//></div>`
    }`
}

/** How it ended, with its undo. @param {{ job: Job }} props */
export function JobResult({ job }) {
  const [undone, setUndone] = useState(job.undone ?? false)
  const [busy, setBusy] = useState(false)
  const undo = async () => {
    setBusy(true)
    try {
      await undoJob(job)
      setUndone(true)
      toast(t('import.undoing'))
    } catch (error) {
      toastError(error)
    }
    setBusy(false)
  }
  const tone = job.status === 'done' ? 'good' : job.status === 'failed' ? 'bad' : 'warn'
  return html`
    <${Note} tone=${tone}>${t(`import.result.${job.status}`)}<//>
    <${Figures} job=${job} />
    <${JobErrors} job=${job} />
    ${
      undone
        ? html`<p class="muted">${t('import.undone')}</p>`
        : job.undoable &&
          html`<div class="actions"><${Button} busy=${busy} onClick=${undo}>${t('import.undo')}<//></div>`
    }`
}
