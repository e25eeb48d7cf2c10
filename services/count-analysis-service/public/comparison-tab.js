import { amount, figure, share } from '/assets/charts/figures.js'
import { TimeChart } from '/assets/charts/time-chart.js'
import { Chip } from '/assets/controls.js'
import { t } from '/assets/i18n.js'
import { Icon } from '/assets/icons.js'
import { Note } from '/assets/states.js'
import { html, useMemo } from '/assets/vendor/preact.js'
import { CorrelationPart, LagPart } from './correlation.js'
import { Differences } from './differences.js'
import { comparisonSentence, lacking } from './phrases.js'
import { PlainTable } from './plain-table.js'
import { views } from './question.js'

/** @typedef {import('./types.js').ComparisonAnswer} Comparison */
/** @typedef {import('./types.js').Question} Question */

/** More lines than this nobody tells apart. */
const mostLines = 12

/** @param {Comparison['items'][number]} item @param {Question['view']} view */
const columnOf = (item, view) =>
  view === 'indexed' ? item.indexed : view === 'shares' ? item.shares : item.values

/** @param {{ comparison: Comparison, question: Question, ask: (change: Partial<Question>) => void, about: string }} props */
export function ComparisonTab({ comparison, question, ask, about }) {
  const { view } = question
  const { items, granularity, zone, measure, open } = comparison
  const chart = useMemo(() => {
    const ranked = [...items.keys()].toSorted(
      (a, b) => (items[a]?.rank ?? items.length) - (items[b]?.rank ?? items.length),
    )
    const drawn = new Set(ranked.slice(0, mostLines))
    const opened = view === 'aligned' ? open : null
    return {
      partial: Boolean(opened),
      at: opened ? [...comparison.at, opened.at] : comparison.at,
      lines: items.flatMap((item, i) =>
        drawn.has(i)
          ? [
              {
                label: item.name,
                values: [...columnOf(item, view), ...(opened ? [opened.values[i] ?? null] : [])],
                pen: i,
              },
            ]
          : [],
      ),
    }
  }, [comparison, view])
  const summary = items
    .slice(0, mostLines)
    .map(({ name, total, share: part }) =>
      t('comparison.chart.summary', { name, total: amount(total), share: share(part) }),
    )
    .join(', ')
  return html`
    <p class="sentence">${comparisonSentence(comparison)}</p>
    ${!comparison.enough && html`<${Note} tone="warn">${lacking(comparison)}<//>`}
    <section class="card stack">
      <div class="chips" role="group" aria-label=${t('comparison.view')}>
        ${views.map((name) => html`<${Chip} key=${name} on=${name === view} onClick=${() => ask({ view: name })}>${t(`comparison.view.${name}`)}<//>`)}
      </div>
      <${TimeChart} key=${view} title=${t(view === 'aligned' ? 'comparison.chart' : `comparison.chart.${view}`)} about=${about} summary=${summary} ...${chart}
        granularity=${granularity} zone=${zone} format=${view === 'shares' ? share : undefined} open />
      ${items.length > mostLines && html`<p class="muted">${t('comparison.chart.part', { n: mostLines })}</p>`}
    </section>
    <section class="card stack" aria-label=${t('comparison.ranking')}>
      <h2>${t('comparison.ranking')}</h2>
      <${Ranking} items=${items} measure=${measure} />
    </section>
    <${CorrelationPart} comparison=${comparison} />
    <${LagPart} comparison=${comparison} />
    <${Differences} comparison=${comparison} />`
}

/** @param {{ items: Comparison['items'], measure: Comparison['measure'] }} props */
const Ranking = ({ items, measure }) => html`
  <${PlainTable} caption=${t('comparison.ranking')}
    head=${[t('comparison.name'), t('comparison.moved'), t(`comparison.total.${measure}`), t('comparison.share'), t('comparison.mean'), t('comparison.growth')]}
    rows=${items
      .toSorted((a, b) => (a.rank ?? items.length) - (b.rank ?? items.length))
      .map(({ rank, name, moved, total, share: part, mean, growth }) => [
        rank === null ? name : t('comparison.ranked', { rank, name }),
        html`<${Moved} moved=${moved} />`,
        amount(total),
        share(part),
        figure(mean),
        share(growth.ratio, true),
      ])} />`

/** How many ranks it went from the first half to the second. @param {{ moved: number | null }} props */
function Moved({ moved }) {
  if (moved === null) return '–'
  if (moved === 0) return html`<span class="muted">${t('comparison.moved.same')}</span>`
  const way = moved > 0 ? 'up' : 'down'
  return html`<span class="moved"><${Icon} name=${way} />${t(`comparison.moved.${way}`, { n: Math.abs(moved) })}</span>`
}
