import { decimals } from '/assets/charts/figures.js'
import { HeatMap } from '/assets/charts/heat-map.js'
import { Chip } from '/assets/controls.js'
import { t } from '/assets/i18n.js'
import { html, useState } from '/assets/vendor/preact.js'
import { buckets } from './phrases.js'
import { PlainTable } from './plain-table.js'

/** @typedef {import('./types.js').ComparisonAnswer} Comparison */

const two = (/** @type {number | null | undefined} */ r) => decimals(r, 2)
/** Names to this many stand above the columns, else their numbers. */
const mostNames = 4
/** Pairs in a table: the strongest of them. */
const mostPairs = 100

/** @param {{ comparison: Comparison }} props */
export function CorrelationPart({ comparison: { items, correlation } }) {
  const [of, setOf] = useState(/** @type {'values' | 'changes'} */ ('changes'))
  const [how, setHow] = useState(/** @type {'pearson' | 'spearman'} */ ('spearman'))
  const short = items.length <= mostNames
  return html`
    <section class="card stack" aria-label=${t('comparison.correlation')}>
      <h2>${t('comparison.correlation')}</h2>
      <div class="row">
        <div class="chips" role="group" aria-label=${t('comparison.correlation.of')}>${(
          /** @type {const} */ (['changes', 'values'])
        ).map(
          (name) =>
            html`<${Chip} key=${name} on=${name === of} onClick=${() => setOf(name)}>${t(`comparison.correlation.${name}`)}<//>`,
        )}</div>
        <div class="chips" role="group" aria-label=${t('comparison.correlation.how')}>${(
          /** @type {const} */ (['spearman', 'pearson'])
        ).map(
          (name) =>
            html`<${Chip} key=${name} on=${name === how} onClick=${() => setHow(name)}>${t(`comparison.correlation.${name}`)}<//>`,
        )}</div>
      </div>
      <${HeatMap} square title=${`${t(`comparison.correlation.${of}`)} · ${t(`comparison.correlation.${how}`)}`} summary=${t('comparison.correlation.summary')}
        corner=${t('comparison.name')} format=${two} values=${correlation[of][how]}
        rows=${items.map(({ name }, i) => (short ? name : `${i + 1} ${name}`))} columns=${items.map(({ name }, i) => (short ? name : String(i + 1)))} />
    </section>`
}

/** Whose movement comes first. @param {{ comparison: Comparison }} props */
export function LagPart({ comparison: { items, correlation, granularity } }) {
  const { lag, lagged } = correlation.changes
  const pairs = items
    .flatMap((a, i) =>
      items.slice(i + 1).map((b, k) => {
        const j = i + 1 + k
        return { a: a.name, b: b.name, lag: lag[i]?.[j] ?? null, r: lagged[i]?.[j] ?? null }
      }),
    )
    .filter(({ r }) => r !== null)
    .toSorted((x, y) => Math.abs(y.r ?? 0) - Math.abs(x.r ?? 0))
    .slice(0, mostPairs)
  if (pairs.length === 0) return null
  const told = (/** @type {(typeof pairs)[number]} */ { a, b, lag }) =>
    lag === null
      ? '–'
      : lag === 0
        ? t('comparison.lag.same')
        : t('comparison.lag.leads', { name: lag > 0 ? a : b, span: buckets(Math.abs(lag), granularity) })
  return html`
    <section class="card stack" aria-label=${t('comparison.lag')}>
      <h2>${t('comparison.lag')}</h2>
      <${PlainTable} caption=${t('comparison.lag.caption')} left=${[1]} head=${[t('comparison.lag.pair'), t('comparison.lag.caption'), t('comparison.lag.r')]}
        rows=${pairs.map((pair) => [`${pair.a} · ${pair.b}`, told(pair), two(pair.r)])} />
    </section>`
}
