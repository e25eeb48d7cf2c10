import { decimals, figure, probability } from '/assets/charts/figures.js'
import { Badge } from '/assets/controls.js'
import { t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'
import { PlainTable } from './plain-table.js'

/** @typedef {import('./types.js').ComparisonAnswer} Comparison */

const mostPairs = 100

/** Which differences are beyond chance, the clearest first. @param {{ comparison: Comparison }} props */
export function Differences({ comparison: { items, differences } }) {
  const sorted = differences.toSorted(
    (x, y) => (x.cautious ?? 1) - (y.cautious ?? 1) || Math.abs(y.effect ?? 0) - Math.abs(x.effect ?? 0),
  )
  const shown = sorted.slice(0, mostPairs)
  const names = (/** @type {(typeof shown)[number]} */ { a, b }) =>
    t('comparison.difference.names', { a: items[a]?.name ?? '', b: items[b]?.name ?? '' })
  return html`
    <section class="card stack" aria-label=${t('comparison.differences')}>
      <h2>${t('comparison.differences')}</h2>
      <${PlainTable} caption=${t('comparison.differences')}
        head=${['pair', 'median', 'effect', 'p', 'verdict'].map((part) => t(`comparison.difference.${part}`))}
        rows=${shown.map((pair) => [
          names(pair),
          figure(pair.median, true),
          decimals(pair.effect, 2),
          probability(pair.cautious),
          html`<${Badge} tone=${pair.significant ? 'good' : 'quiet'}>${t(`comparison.difference.${pair.significant ? 'yes' : 'no'}`)}<//>`,
        ])} />
      ${sorted.length > shown.length && html`<p class="muted">${t('comparison.pairs', { n: sorted.length, shown: shown.length })}</p>`}
      <p class="muted">${t('comparison.difference.what')}</p>
    </section>`
}
