import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { currentSession, request, setSession } from './api.js'
import { Button, Menu } from './controls.js'
import { language, setLanguage, t } from './i18n.js'
import { Icon } from './icons.js'
import { Search } from './search.js'
import { session as kept, local } from './storage.js'
import { Toasts, toastError } from './toast.js'

/** @typedef {'system' | 'light' | 'dark'} Theme */

/** @returns {Theme} */
export const theme = () => {
  const chosen = local.get('count.theme')
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system'
}

/** @param {Theme} next */
export function setTheme(next) {
  local.set('count.theme', next === 'system' ? null : next)
  if (next === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = next
}

const sites = [
  { path: '/dashboards/', label: 'nav.dashboards' },
  { path: '/management/', label: 'nav.counts' },
  { path: '/analysis/', label: 'nav.analysis' },
]

/** The sites that are there: each is a service of its own, and may not be deployed. */
async function presentSites() {
  const there = await Promise.all(
    sites.map(async (site) => {
      const key = `count.site ${site.path}`
      if (location.pathname.startsWith(site.path) || kept.get(key)) return true
      const there = await fetch(site.path, { method: 'HEAD' }).then(
        (response) => response.ok,
        () => false,
      )
      if (there) kept.set(key, '1')
      return there
    }),
  )
  return sites.filter((_, i) => there[i])
}

async function signOut() {
  try {
    await request('DELETE', '/admin/session', { quiet: true })
    setSession(null)
  } catch (error) {
    toastError(error)
  }
}

const themes = /** @type {Theme[]} */ (['system', 'light', 'dark'])
const themeItems = (/** @type {() => void} */ redraw) =>
  themes.map((name) => ({
    label: t(`nav.theme.${name}`),
    checked: theme() === name,
    onSelect: () => {
      setTheme(name)
      redraw()
    },
  }))

/**
 * The bar of all three sites, the page below it, toasts and the search.
 * @param {{ account?: { label: string, href: string }[], children?: import('./controls.js').Children }} props `account`: the site's own
 *   entries in the account's menu
 */
export function Frame({ account = [], children }) {
  const [present, setPresent] = useState(sites.filter((site) => location.pathname.startsWith(site.path)))
  const [searching, setSearching] = useState(false)
  const [, setDrawn] = useState(0)
  useEffect(() => {
    presentSites().then(setPresent)
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return
      event.preventDefault()
      if (!document.querySelector('dialog[open]')) setSearching(true)
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
  const session = currentSession()
  const links = present.map(({ path, label }) => ({ label: t(label), href: path }))
  const other = language() === 'ko' ? 'en' : 'ko'
  return html`
    <a class="skip" href="#main">${t('nav.skip')}</a>
    <header class="bar">
      <div class="only-narrow"><${Menu} label=${t('nav.menu')} icon="menu" items=${links} /></div>
      <a class="brand" href="/"><span class="mark" aria-hidden="true"></span>${t('app.name')}</a>
      <nav class="only-wide" aria-label=${t('nav.label')}>
        ${links.map(
          ({ label, href }) => html`<a key=${href} href=${href}
            aria-current=${location.pathname.startsWith(href) ? 'true' : null}>${label}</a>`,
        )}
      </nav>
      <span class="gap"></span>
      <${Button} kind="plain" label=${`${t('nav.search')} (Ctrl K)`} onClick=${() => setSearching(true)}><${Icon} name="search" /><//>
      <button type="button" class="button plain language" aria-label=${t('nav.language')} title=${t('nav.language')}
        onClick=${() => setLanguage(other)}><${Icon} name="globe" /><span lang=${other}>${t('nav.language.other')}</span></button>
      <${Menu} label=${t('nav.theme')} icon="theme" items=${themeItems(() => setDrawn((n) => n + 1))} />
      ${
        session &&
        html`<${Menu} label=${t('nav.account', { name: session.username })} kind="plain account"
          text=${html`<${Icon} name="user" /><span class="only-wide">${session.username}</span>`}
          items=${[...account, { label: t('nav.signOut'), onSelect: signOut }]} />`
      }
    </header>
    <main id="main" tabindex="-1">${children}</main>
    ${searching && html`<${Search} onClose=${() => setSearching(false)} />`}
    <${Toasts} />`
}

/**
 * The head of a page: its title and its actions, which move into one menu at 360 px.
 * @param {{ title: string, back?: { href: string, label: string }, actions?: { label: string, onSelect?: () => void, href?: string, primary?: boolean }[],
 *   children?: import('./controls.js').Children }} props
 */
export function PageHead({ title, back, actions = [], children }) {
  useEffect(() => {
    document.title = `${title} – ${t('app.name')}`
  })
  const button = (/** @type {(typeof actions)[number]} */ { label, onSelect, href, primary }) =>
    href
      ? html`<a key=${label} class=${`button ${primary ? 'primary' : ''}`} href=${href}>${label}</a>`
      : html`<${Button} key=${label} kind=${primary ? 'primary' : undefined} onClick=${onSelect}>${label}<//>`
  const further = actions.filter((action) => !action.primary)
  return html`
    <div class="page-head">
      <div class="page-title">
        ${back && html`<a class="back" href=${back.href}><${Icon} name="back" />${back.label}</a>`}
        <h1>${title}</h1>${children}
      </div>
      <div class="actions">
        <span class="only-wide">${further.map(button)}</span>
        ${further.length > 0 && html`<span class="only-narrow"><${Menu} label=${t('action.more')} items=${further} /></span>`}
        ${actions.filter((action) => action.primary).map(button)}
      </div>
    </div>`
}
