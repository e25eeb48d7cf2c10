import { addWords, t } from '/assets/i18n.js'
import { panelWords } from '/assets/panels/words.js'
import { start } from '/assets/start.js'
import { html } from '/assets/vendor/preact.js'
import { words } from './words.js'

const pages = /** @type {const} */ ([
  ['/dashboards/', 'dashboards'],
  ['/dashboards/alerts', 'alerts'],
])

/** The pages of this site. @param {{ current: (typeof pages)[number][1] }} props */
export const SiteNav = ({ current }) => html`
  <nav class="subnav" aria-label=${t('site.label')}>
    ${pages.map(
      ([href, name]) =>
        html`<a key=${name} href=${href} aria-current=${name === current ? 'page' : null}>${t(`site.${name}`)}</a>`,
    )}
  </nav>`

/** Draws a page of this site. @param {() => unknown} Page */
export function startPage(Page) {
  addWords(panelWords)
  start(Page, words)
}

/** @param {string} id */
export const boardPath = (id) => `/dashboards/view?id=${encodeURIComponent(id)}`
