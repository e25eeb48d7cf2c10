import { html, useMemo, useState } from '/assets/vendor/preact.js'
import { number } from '../format.js'
import { t } from '../i18n.js'
import { penOf } from './ink.js'
import { amount, nameOf, rangeName, timeIn, toneOf, unitOf } from './model.js'
import { Plot } from './plot.js'
import { ToneMark } from './value.js'

/** @typedef {import('./model.js').PanelData} PanelData */
/** @typedef {import('./model.js').Series} Series */

/** More lines than this nobody tells apart. */
export const mostLines = 12

/** What a line draws of a count: its levels, or what each bucket changed. @param {{ base: number, values: number[] }} line @param {'value' | 'change'} measure */
const levelsOf = ({ base, values }, measure) =>
  measure === 'value' ? values : values.map((value, i) => value - (i === 0 ? base : (values[i - 1] ?? base)))

/** Seconds that a series spans. @param {Series | undefined} series */
export const spanOf = (series) =>
  series?.at.length ? (series.at.at(-1) ?? 0) - (series.at[0] ?? 0) + series.stepS : 0

/** In words what the lines show. @param {{ name: string, levels: number[] }[]} lines */
const summaryOf = (lines) =>
  lines
    .map(({ name, levels }) => {
      const low = levels.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
      const high = levels.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
      return t('panel.line.summary', {
        name,
        last: number(levels.at(-1)),
        min: number(low),
        max: number(high),
      })
    })
    .join(' ')

/** Lines over the range, their last point live; the legend names each with its value, or that under the pointer. @param {{ data: PanelData }} props */
export function LinePanel({ data }) {
  const { panel, counts, series, range } = data
  const measure = panel.measure ?? 'value'
  const [at, setAt] = useState(/** @type {number | null} */ (null))
  const known = counts.filter(({ id }) => series?.counts.has(id)).slice(0, mostLines)
  const lines = known.map((count) => ({
    count,
    name: nameOf(count),
    levels: levelsOf(series?.counts.get(count.id) ?? { base: 0, values: [] }, measure),
  }))
  const drawn = useMemo(
    () => ({
      at: [...(series?.at ?? [])],
      lines: lines.map(({ levels }) => [...levels]),
      bars: false,
      spanS: spanOf(series),
      ...(panel.format && { format: panel.format }),
      thresholds: panel.thresholds ?? [],
    }),
    [data],
  )
  if (lines.length === 0) return html`<p class="panel-none">${t('chart.empty')}</p>`
  const index = at === null ? -1 : drawn.at.findLastIndex((start) => start <= at)
  return html`<figure class="panel-figure">
    <${Plot} drawn=${drawn} onPoint=${setAt} />
    <figcaption class="unseen">${`${rangeName(range)}. ${summaryOf(lines)}`}</figcaption>
    <ul class="panel-legend" tabindex=${lines.length > 1 ? 0 : null}>
      ${lines.map(({ count, name, levels }, n) => {
        const { name: colour, dash } = penOf(n)
        const value = index < 0 ? (levels.at(-1) ?? null) : (levels[index] ?? null)
        return html`<li key=${count.id} title=${count.id}><svg class=${`swatch ${colour}`} viewBox="0 0 16 4" aria-hidden="true"><line x1="0" y1="2" x2="16" y2="2" stroke-dasharray=${dash.join(' ')} /></svg>
          <span class="name">${name}</span> <b title=${number(value)}>${amount(value, panel.format, measure === 'change')}</b>${unitOf(panel, count) && html` <small>${unitOf(panel, count)}</small>`}
          <${ToneMark} quiet tone=${measure === 'value' ? toneOf(value, panel.thresholds) : null} /></li>`
      })}
      ${index >= 0 && html`<li class="muted" aria-hidden="true">${timeIn((drawn.at[index] ?? 0) * 1000, drawn.spanS)}</li>`}
      ${counts.length > lines.length && html`<li class="muted">${t('panel.more', { n: counts.length - lines.length })}</li>`}
    </ul></figure>`
}
