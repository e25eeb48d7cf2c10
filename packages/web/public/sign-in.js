import { html, useState } from '/assets/vendor/preact.js'
import { Problem, request, setSession } from './api.js'
import { Button } from './controls.js'
import { Dialog, FieldFault, FormError, useSubmit } from './dialog.js'
import { Field } from './field.js'
import { t } from './i18n.js'
import { Note } from './states.js'

/** What a refused sign-in says; both fields may be at fault, so it stands above them. @param {unknown} error */
function why(error) {
  if (!(error instanceof Problem)) return undefined
  if (error.status === 401) return t('sign-in.wrong')
  if (error.status === 429) return t('sign-in.wait', { n: error.retryAfter ?? 1 })
  return undefined
}

/** @param {{ username?: string, onDone?: () => void }} props `username`: the one who goes on */
export function SignInForm({ username: known = '', onDone }) {
  const [username, setUsername] = useState(known)
  const [password, setPassword] = useState('')
  const form = useSubmit(async () => {
    const missing = t('field.required')
    if (!username || !password) {
      throw new FieldFault({
        ...(!username && { username: missing }),
        ...(!password && { password: missing }),
      })
    }
    const body = { username: username.trim(), password }
    setSession(await request('POST', '/admin/session', { body, quiet: true }))
    onDone?.()
  })
  const refused = why(form.error)
  return html`
    <form class="sign-in" onSubmit=${form.submit} novalidate>
      ${refused ? html`<div role="alert"><${Note} tone="bad">${refused}<//></div>` : html`<${FormError} ...${form} />`}
      <${Field} name="username" label=${t('sign-in.username')} value=${username} onInput=${setUsername} required
        autocomplete="username" error=${form.errors.username} focus=${!known} />
      <${Field} name="password" kind="password" label=${t('sign-in.password')} value=${password} onInput=${setPassword} required
        autocomplete="current-password" error=${form.errors.password} focus=${Boolean(known)} />
      <${Button} kind="primary" type="submit" busy=${form.busy}>${t('sign-in.action')}<//>
    </form>`
}

/** One card, nothing else. */
export const SignInPage = () => html`
  <main class="sign-in-page"><div class="card">
    <h1><span class="mark" aria-hidden="true"></span>${t('app.name')}</h1>
    <h2 class="unseen">${t('sign-in.title')}</h2>
    <${SignInForm} />
  </div></main>`

/** A session that ended in the middle: the page stays as it is behind this. @param {{ username: string, onDone: () => void, onLeave: () => void }} props */
export const SignInDialog = ({ username, onDone, onLeave }) => html`
  <${Dialog} title=${t('sign-in.again')} onClose=${onLeave}>
    <p class="prose">${t('sign-in.again.why')}</p>
    <${SignInForm} username=${username} onDone=${onDone} />
  <//>`
