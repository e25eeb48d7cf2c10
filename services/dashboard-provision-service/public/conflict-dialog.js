import { request } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { Dialog, FormError, useSubmit } from '/assets/dialog.js'
import { dateTime } from '/assets/format.js'
import { t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'
import { bodyOf, differences } from './editing.js'
import { boardPath } from './site.js'

/** @typedef {import('./types.js').DashboardBody} Body */

/**
 * Somebody saved meanwhile: what they changed, and the two ways on that lose nothing of theirs.
 * @param {{ before: Body, theirs: import('./types.js').Dashboard, mine: Body, onClose: () => void, onDrop: () => void, onCopied: () => void }} props
 */
export function ConflictDialog({ before, theirs, mine, onClose, onDrop, onCopied }) {
  const changes = differences(before, bodyOf(theirs))
  const form = useSubmit(async () => {
    const made = await request('POST', '/dashboards', {
      body: { ...mine, name: t('conflict.copyName', { name: mine.name }).slice(0, 200) },
    })
    onCopied()
    location.assign(boardPath(made.id))
  })
  return html`<${Dialog} title=${t('conflict.title')} onClose=${onClose}>
    <form onSubmit=${form.submit} novalidate>
      <div class="prose"><p>${t('conflict.who', { name: theirs.updatedBy, time: dateTime(theirs.updatedAt) })}</p>
        <ul>${changes.slice(0, 12).map((change) => html`<li key=${change}>${change}</li>`)}</ul><p>${t('conflict.what')}</p></div>
      <${FormError} ...${form} />
      <footer><${Button} onClick=${onClose}>${t('conflict.on')}<//><${Button} onClick=${onDrop}>${t('conflict.reload')}<//>
        <${Button} kind="primary" type="submit" busy=${form.busy}>${t('conflict.copy')}<//></footer>
    </form><//>`
}
