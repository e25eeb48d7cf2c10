import { get, may } from '/assets/api.js'
import { Badge, Tabs } from '/assets/controls.js'
import { PageHead } from '/assets/frame.js'
import { useLoad } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { start } from '/assets/start.js'
import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { Answer, aboutOf, refusedOf } from './answer.js'
import { faultsOf, isAsked, pathOf, read, tabs, useQuestion, write } from './question.js'
import { QuestionPanel } from './question-panel.js'
import { linkTo, SaveDialog, SavedDialog } from './saved.js'
import { StartHere } from './start-here.js'
import { useAnswer } from './use-answer.js'
import { words } from './words.js'

/** @typedef {import('./types.js').Question} Question */
/** @typedef {import('./types.js').Saved} Saved */

const roomy = matchMedia('(min-width: 901px)')

/** The question beside its answer; where there is no room for that, folded above it. @param {{ question: Question, asked: boolean, children?: unknown }} props */
function QuestionBox({ question, asked, children }) {
  const [wide, setWide] = useState(roomy.matches)
  const [open, setOpen] = useState(!asked)
  useEffect(() => {
    const change = () => setWide(roomy.matches)
    roomy.addEventListener('change', change)
    return () => roomy.removeEventListener('change', change)
  }, [])
  if (wide)
    return html`<section class="card question" aria-label=${t('question.title')}>${children}</section>`
  return html`
    <details class="card question" open=${open} onToggle=${(/** @type {{ currentTarget: HTMLDetailsElement }} */ event) => setOpen(event.currentTarget.open)}>
      <summary>${t('question.change')} <small>${aboutOf(question)}</small></summary>${children}
    </details>`
}

function AnalysisPage() {
  const [question, ask] = useQuestion()
  const [dialog, setDialog] = useState('')
  const close = () => setDialog('')
  const opened = useLoad(question.saved || null, (signal) =>
    get(`/admin/analyses/${encodeURIComponent(question.saved)}`, { signal }),
  )
  const asked = isAsked(question)
  const ready = asked && Object.keys(faultsOf(question)).length === 0
  // The end of a range that ends now is no part of the question.
  const key = ready ? `${question.range} ${pathOf(question, 0)}` : null
  const answer = useAnswer(key, (signal) => get(pathOf(question, Date.now()), { signal }))
  /** @type {Saved | undefined} */
  const saved = opened.data
  const actions = [
    { label: t('saved.title'), onSelect: () => setDialog('saved') },
    ...(may('editor') && ready
      ? [{ label: t('saved.save'), primary: true, onSelect: () => setDialog('save') }]
      : []),
  ]
  return html`
    <${PageHead} title=${saved?.name ?? t('analysis.title')} actions=${actions}>
      ${saved && linkTo(saved) !== write(question) && html`<${Badge} tone="warn">${t('saved.changed')}<//>`}
    <//>
    <div class="analysis">
      <${QuestionBox} question=${question} asked=${asked}>
        <${QuestionPanel} question=${question} ask=${ask} refused=${refusedOf(answer.error)} />
      <//>
      <div class="answer">
        <${Tabs} label=${t('analysis.tabs')} tabs=${tabs.map((id) => ({ id, label: t(`tab.${id}`) }))} current=${question.tab}
          onSelect=${(/** @type {Question['tab']} */ tab) => ask({ tab })}>
          <div class="stack" aria-busy=${answer.busy ? 'true' : null}>${
            asked
              ? html`<${Answer} key=${question.tab} answer=${answer} question=${question} ask=${ask} />`
              : html`<${StartHere} question=${question} ask=${ask} />`
          }</div>
        <//>
      </div>
    </div>
    ${
      dialog === 'save' &&
      html`<${SaveDialog} question=${question} opened=${saved} onClose=${close} onSaved=${(
        /** @type {Saved} */ one,
      ) => {
        ask({ saved: one.id })
        opened.set(one)
      }} />`
    }
    ${
      dialog === 'saved' &&
      html`<${SavedDialog} onClose=${close} onChange=${opened.reload} onOpen=${(/** @type {Saved} */ one) => {
        close()
        ask(read(linkTo(one)))
      }} />`
    }`
}

start(AnalysisPage, words)
