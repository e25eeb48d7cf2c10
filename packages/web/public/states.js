import { Component, html, useEffect, useState } from '/assets/vendor/preact.js'
import { Button } from './controls.js'
import { clock } from './format.js'
import { isOffline } from './hooks.js'
import { t } from './i18n.js'
import { Icon } from './icons.js'
import { told } from './problems.js'

/** @typedef {import('./controls.js').Children} Children */

/** Lines of the size of what is being loaded; they appear after 200 ms, so that quick answers do not flicker. @param {{ rows?: number }} props */
export function Skeleton({ rows = 5 }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 200)
    return () => clearTimeout(timer)
  }, [])
  return html`
    <div class=${`skeleton ${late ? '' : 'waiting'}`} role="status" aria-label=${t('state.loading')}>
      ${Array.from({ length: rows }, (_, i) => html`<div key=${i}></div>`)}
    </div>`
}

/** What this place is for, and its first action. @param {{ title: string, children?: Children, action?: Children }} props */
export const Empty = ({ title, children, action }) => html`
  <div class="empty"><h2>${title}</h2><p>${children}</p>${action}</div>`

/** A part that could not be loaded; the rest of the page lives on. @param {{ error: unknown, onRetry?: () => void }} props */
export function ErrorState({ error, onRetry }) {
  const { title, advice } = told(error)
  return html`
    <div class="empty" role="alert">
      <h2><${Icon} name="warn" /> ${title}</h2>${advice && html`<p>${advice}</p>`}
      ${onRetry && html`<${Button} onClick=${onRetry}>${t('action.retry')}<//>`}
    </div>`
}

/** @param {{ tone?: 'warn' | 'bad' | 'quiet' | 'good', children?: Children }} props */
export const Note = ({ tone = 'quiet', children }) =>
  html`<p class=${`note ${tone}`}><${Icon} name=${tone === 'good' ? 'check' : 'warn'} /><span>${children}</span></p>`

/** What is shown is old, as the server cannot be reached or a store is away. @param {{ error: unknown, at?: number }} props */
export function Stale({ error, at }) {
  if (!error) return null
  const words = isOffline(error)
    ? at === undefined
      ? t('state.offline.none')
      : t('state.offline', { time: clock(at) })
    : told(error).title
  return html`<div role="status"><${Note} tone="warn">${words}<//></div>`
}

/**
 * Loading, failed, empty or there: the states of whatever is loaded.
 * @template T
 * @param {{ loaded: import('./hooks.js').Loaded<T>, rows?: number, empty?: (data: T) => Children | false, children: (data: T) => Children }} props
 */
export function Loading({ loaded, rows, empty, children }) {
  const { data, error, at, reload } = loaded
  if (data === undefined) {
    if (error) return html`<${ErrorState} error=${error} onRetry=${reload} />`
    return html`<${Skeleton} rows=${rows} />`
  }
  return html`<${Stale} error=${error} at=${at} />${empty?.(data) || children(data)}`
}

/** A fault in drawing one part leaves the rest of the page. */
export class Boundary extends Component {
  /** @type {{ failed: boolean }} */
  state = { failed: false }
  /** @param {unknown} error */
  componentDidCatch(error) {
    console.error(error)
    this.setState({ failed: true })
  }
  render() {
    const { children } = this.props
    const again = () => this.setState({ failed: false })
    return this.state.failed
      ? html`<div class="empty" role="alert"><h2>${t('problem.page')}</h2>
          <${Button} onClick=${again}>${t('action.retry')}<//></div>`
      : children
  }
}
