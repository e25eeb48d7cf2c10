import { query, request } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { Field } from '/assets/field.js'
import { bytes } from '/assets/format.js'
import { t } from '/assets/i18n.js'
import { ErrorState, Note, Skeleton } from '/assets/states.js'
import { html, useEffect, useRef, useState } from '/assets/vendor/preact.js'
import { readStart } from './import-file.js'
import { Figures, JobErrors, JobProgress, JobResult } from './job-views.js'
import { follow } from './jobs.js'

/** @typedef {import('./types.js').Job} Job */
/** @typedef {import('./import-file.js').Read} Read */

/** Drop a file, see its first rows and what will happen, then let it happen. */
export function ImportTab() {
  const [read, setRead] = useState(/** @type {Read | null} */ (null))
  const [fault, setFault] = useState('')
  const take = async (/** @type {File | undefined} */ file) => {
    if (!file) return
    const start = await readStart(file)
    setFault(start === 'unreadable' ? t('import.unreadable') : start === 'empty' ? t('import.emptyFile') : '')
    setRead(typeof start === 'string' ? null : start)
  }
  return read
    ? html`<${Plan} key=${`${read.file.name} ${read.file.size} ${read.file.lastModified}`} read=${read} onOther=${() => setRead(null)} />`
    : html`<${Drop} onFile=${take} fault=${fault} />`
}

/** @param {{ onFile: (file: File | undefined) => void, fault: string }} props */
function Drop({ onFile, fault }) {
  const [over, setOver] = useState(false)
  const input = useRef(/** @type {HTMLInputElement | null} */ (null))
  const drop = (/** @type {DragEvent} */ event) => {
    event.preventDefault()
    setOver(false)
    onFile(event.dataTransfer?.files[0])
  }
  const drag = (/** @type {DragEvent} */ event) => {
    event.preventDefault()
    setOver(true)
  }
  return html`
    ${fault && html`<div role="alert"><${Note} tone="bad">${fault}<//></div>`}
    <div class=${`drop ${over ? 'over' : ''}`} onDragOver=${drag} onDragLeave=${() => setOver(false)} onDrop=${drop}>
      <h2>${t('import.drop')}</h2>
      <p class="muted">${t('import.formats.counts')}</p>
      <p class="muted">${t('import.formats.history')}</p>
      <input type="file" hidden accept=".csv,.jsonl,.ndjson,text/csv" ref=${input} aria-label=${t('import.choose')}
        onChange=${(/** @type {{ currentTarget: HTMLInputElement }} */ event) => onFile(event.currentTarget.files?.[0])} />
      <${Button} kind="primary" onClick=${() => input.current?.click()}>${t('import.choose')}<//>
    </div>`
}

/** @typedef {{ phase: 'checking' | 'checked' | 'running' | 'ended' | 'error', job?: Job, error?: unknown }} State */

/** @param {{ read: Read, onOther: () => void }} props */
function Plan({ read, onOther }) {
  const [kind, setKind] = useState(read.kind)
  const [onError, setOnError] = useState('fail')
  const [state, setState] = useState(/** @type {State} */ ({ phase: 'checking' }))
  const end = useRef(new AbortController())
  const send = (/** @type {Record<string, string>} */ options, /** @type {AbortSignal} */ signal) =>
    request('POST', `/admin/import/${kind}${query({ onError, ...options })}`, {
      file: read.file,
      type: read.type,
      signal,
    })
  /** One step, of which a later one takes the place. */
  const step = async (
    /** @type {'checking' | 'running'} */ phase,
    /** @type {'checked' | 'ended'} */ after,
    /** @type {Record<string, string>} */ options,
  ) => {
    end.current.abort()
    end.current = new AbortController()
    const { signal } = end.current
    setState({ phase })
    try {
      const job = await follow(await send(options, signal), (now) => setState({ phase, job: now }), signal)
      if (!signal.aborted) setState({ phase: after, job })
    } catch (error) {
      if (!signal.aborted) setState({ phase: 'error', error })
    }
  }
  const check = () => step('checking', 'checked', { dryRun: 'true' })
  useEffect(() => {
    check()
    return () => end.current.abort()
  }, [kind, onError])
  const { phase, job } = state
  const kinds = ['counts', 'history'].map((value) => ({ value, label: t(`import.kind.${value}`) }))
  const onErrors = ['fail', 'skip'].map((value) => ({ value, label: t(`import.onError.${value}`) }))
  const blocked = onError === 'fail' && (job?.failed ?? 0) > 0
  const choosing = phase === 'checking' || phase === 'checked' || phase === 'error'
  return html`
    <div class="stack">
      <section class="card stack" aria-label=${t('import.preview')}>
        <div class="facts"><strong>${read.file.name}</strong><span>${bytes(read.file.size)}</span>
          <span class="gap"></span>${phase !== 'running' && html`<${Button} onClick=${onOther}>${t('import.other')}<//>`}</div>
        <${Rows} read=${read} />
        ${
          choosing &&
          html`<div class="pair">
            <${Field} plain name="kind" kind="select" label=${t('import.kind')} value=${kind} options=${kinds} onInput=${setKind} />
            <${Field} plain name="onError" kind="select" label=${t('import.onError')} value=${onError} options=${onErrors} onInput=${setOnError} />
          </div>`
        }
      </section>
      <section class="card stack" aria-live="polite">
        ${phase === 'checking' && html`<h2>${t('import.checking')}</h2>${job ? html`<${JobProgress} job=${job} />` : html`<${Skeleton} rows=${2} />`}`}
        ${phase === 'error' && html`<${ErrorState} error=${state.error} onRetry=${check} />`}
        ${
          phase === 'checked' &&
          job &&
          html`<h2>${t('import.check')}</h2><${Figures} job=${job} />
            ${blocked && html`<${Note} tone="warn">${t('import.blocked')}<//>`}
            <div class="actions">
              <${Button} kind="primary" disabled=${blocked} onClick=${() => step('running', 'ended', {})}>${t('import.run')}<//>
              <${Button} onClick=${check}>${t('import.recheck')}<//></div>
            <${JobErrors} job=${job} />`
        }
        ${phase === 'running' && html`<h2>${t('import.working')}</h2>${job ? html`<${JobProgress} job=${job} cancellable />` : html`<${Skeleton} rows=${2} />`}`}
        ${phase === 'ended' && job && html`<${JobResult} job=${job} />`}
      </section>
    </div>`
}

/** @param {{ read: Read }} props */
const Rows = ({ read: { file, columns, rows } }) => html`
  <div class="table-box" tabindex="0" role="region" aria-label=${t('import.preview')}>
    <table class="plain">
      <caption>${t('import.preview.caption', { n: rows.length, name: file.name })}</caption>
      <thead><tr>${columns.map((column, i) => html`<th scope="col" key=${i}>${column}</th>`)}</tr></thead>
      <tbody>${rows.map(
        (row, i) =>
          html`<tr key=${i}>${columns.map((_, at) => html`<td key=${at}>${row[at] ?? ''}</td>`)}</tr>`,
      )}</tbody>
    </table>
  </div>`
