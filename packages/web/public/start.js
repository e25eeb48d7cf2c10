import { html, render, useEffect, useState } from '/assets/vendor/preact.js'
import { currentSession, get, onSession, onSessionEnd, Problem, setSession } from './api.js'
import { Frame } from './frame.js'
import { addWords, onLanguage } from './i18n.js'
import { SignInDialog, SignInPage } from './sign-in.js'
import { Boundary, ErrorState, Skeleton } from './states.js'

/** @typedef {{ username: string, resolve: () => void, reject: (reason: Problem) => void }} Asking */

/**
 * The page behind its session: sign-in when there is none, and again in a dialog when it ends in the middle.
 * @param {{ Page: () => unknown, account: () => { label: string, href: string }[] }} props
 */
function Root({ Page, account }) {
  const [, setDrawn] = useState(0)
  const [state, setState] = useState(/** @type {{ ready: boolean, error?: unknown }} */ ({ ready: false }))
  const [asking, setAsking] = useState(/** @type {Asking | null} */ (null))
  const load = async () => {
    setState({ ready: false })
    try {
      setSession(await get('/admin/session', { quiet: true }))
      setState({ ready: true })
    } catch (error) {
      const signedOut = error instanceof Problem && error.status === 401
      setState(signedOut ? { ready: true } : { ready: false, error })
    }
  }
  useEffect(() => {
    const redraw = () => setDrawn((n) => n + 1)
    const ends = [onLanguage(redraw), onSession(redraw)]
    onSessionEnd(
      () =>
        new Promise((resolve, reject) => {
          setAsking({ username: currentSession()?.username ?? '', resolve, reject })
        }),
    )
    load()
    return () => ends.forEach((end) => void end())
  }, [])
  const session = currentSession()
  if (!state.ready) {
    return html`<main class="sign-in-page">${
      state.error
        ? html`<${ErrorState} error=${state.error} onRetry=${load} />`
        : html`<${Skeleton} rows=${3} />`
    }</main>`
  }
  if (!session) return html`<${SignInPage} />`
  const again = () => {
    const before = asking?.username
    setAsking(null)
    // Somebody else: what the page holds is not theirs.
    if (before !== currentSession()?.username) location.reload()
    asking?.resolve()
  }
  const leave = () => {
    setAsking(null)
    asking?.reject(new Problem({ type: 'urn:count:problem:unauthorized', status: 401 }))
    setSession(null)
  }
  return html`
    <${Frame} account=${account()}><${Boundary}><${Page} /><//><//>
    ${asking && html`<${SignInDialog} username=${asking.username} onDone=${again} onLeave=${leave} />`}`
}

/**
 * Draws a page into the body.
 * @param {() => unknown} Page @param {Record<string, import('./i18n.js').Words>} words the site's own
 * @param {() => { label: string, href: string }[]} [account] further entries of the account's menu
 */
export function start(Page, words, account = () => []) {
  addWords(words)
  document.body.textContent = ''
  render(html`<${Root} Page=${Page} account=${account} />`, document.body)
}
