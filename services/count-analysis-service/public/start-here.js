import { get } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { useLoad } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Empty, Loading } from '/assets/states.js'
import { html } from '/assets/vendor/preact.js'

/** @typedef {import('./types.js').Question} Question */
/** @typedef {import('./types.js').Hit} Hit */

const path = '/admin/counts?sort=-updatedAt&limit=6'

/** Nothing is asked yet: what this page is for, and counts to begin with. @param {{ question: Question, ask: (change: Partial<Question>) => void }} props */
export function StartHere({ question, ask }) {
  const loaded = useLoad(path, (signal) => get(path, { signal }))
  const first = html`<${Loading} loaded=${loaded} rows=${1} empty=${(
    /** @type {{ items: Hit[] }} */ { items },
  ) => items.length === 0 && html`<p class="muted">${t('answer.none')}</p>`}>
    ${(/** @type {{ items: Hit[] }} */ { items }) => html`
      <p class="muted">${t('answer.start')}</p>
      <div class="row">${items.map(({ id, name }) => html`<${Button} key=${id} onClick=${() => ask({ count: [id], of: '' })}>${name}<//>`)}</div>`}
  <//>`
  return html`<${Empty} title=${t('answer.empty.title')} action=${first}>
    ${t(question.tab === 'comparison' ? 'answer.empty.comparison' : 'answer.empty')}<//>`
}
