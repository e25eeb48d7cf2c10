import { may } from '/assets/api.js'
import { t } from '/assets/i18n.js'
import { start } from '/assets/start.js'
import { html, useLayoutEffect, useRef } from '/assets/vendor/preact.js'
import { words } from './words.js'

const pages = /** @type {const} */ ([
  ['/management/', 'counts', 'viewer'],
  ['/management/import', 'import', 'viewer'],
  ['/management/trash', 'trash', 'viewer'],
  ['/management/keys', 'keys', 'admin'],
  ['/management/users', 'users', 'admin'],
  ['/management/audit', 'audit', 'viewer'],
])

/** The pages of this site; the present one in sight where the row is longer than the screen. @param {{ current: (typeof pages)[number][1] }} props */
export function SiteNav({ current }) {
  const nav = useRef(/** @type {HTMLElement | null} */ (null))
  useLayoutEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [current])
  return html`
    <nav class="subnav" ref=${nav} aria-label=${t('site.label')}>
      ${pages
        .filter(([, , role]) => may(role))
        .map(
          ([href, name]) =>
            html`<a key=${name} href=${href} aria-current=${name === current ? 'page' : null}>${t(`site.${name}`)}</a>`,
        )}
    </nav>`
}

/** Draws a page of this site. @param {() => unknown} Page */
export const startPage = (Page) =>
  start(Page, words, () => [{ label: t('site.account'), href: '/management/users?tab=password' }])
