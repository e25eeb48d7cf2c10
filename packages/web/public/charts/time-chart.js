import { html, useMemo, useRef, useState } from '/assets/vendor/preact.js'
import { Menu } from '../controls.js'
import { t } from '../i18n.js'
import { penOf } from '../panels/ink.js'
import { saveCsv, savePng } from './chart-files.js'
import { amount } from './figures.js'
import { bucketName } from './moments.js'
import { NumbersTable } from './numbers-table.js'
import { TimePlot } from './time-plot.js'

/** @typedef {import('./moments.js').Granularity} Granularity */
/** @typedef {(number | null)[]} Column */
/** `pen`: which of the series' colours; `level`: the same everywhere, and in no table. @typedef {{ label: string, values: Column, look?: 'line' | 'bars' | 'dashed', pen: number, level?: boolean }} Line */
/** @typedef {{ label: string, lower: Column, upper: Column, pen: number, strength: number }} Band `strength` 0 … 1 of its colour */
/** What stands out: a diamond on its bucket (`point`), or a line through it (`rule`); one label to a kind. @typedef {{ at: string, label: string, kind: 'point' | 'rule', value?: number }} Mark */
/**
 * @typedef {object} TimeChartProps
 * @property {string} title
 * @property {string} about what was asked, for a picture of it
 * @property {string} summary what it shows, in words
 * @property {string[]} at start of each bucket
 * @property {Granularity} granularity
 * @property {string} zone
 * @property {Line[]} lines
 * @property {Band[]} [bands]
 * @property {Mark[]} [marks]
 * @property {boolean} [partial] the last bucket is still open
 * @property {(value: number | null | undefined) => string} [format]
 * @property {boolean} [open] its table from the start
 * @property {'tall' | 'short'} [size]
 * @property {2 | 3} [level] of its heading
 * @property {number} [ahead] the first bucket that is still to come: the table begins there; absent: with the newest
 */

const noBands = /** @type {Band[]} */ ([])
const noMarks = /** @type {Mark[]} */ ([])

/** A chart over time with its legend, its summary in words, its table and its files. @param {TimeChartProps} props */
export function TimeChart(props) {
  const {
    title,
    about,
    summary,
    at,
    granularity,
    zone,
    lines,
    partial = false,
    open,
    size = 'tall',
    ahead,
    level = 2,
  } = props
  const { bands = noBands, marks = noMarks, format = amount } = props
  const [index, setIndex] = useState(/** @type {number | null} */ (null))
  const canvas = useRef(/** @type {() => HTMLCanvasElement | undefined} */ (() => undefined))
  const drawn = useMemo(
    () => ({ at, granularity, zone, lines, bands, marks, partial, format }),
    [at, granularity, zone, lines, bands, marks, partial, format],
  )
  const columns = [
    ...lines.flatMap(({ label, values, level }) => (level ? [] : [{ label, values }])),
    ...bands.flatMap(({ label, lower, upper }) => [
      { label: t('chart.lower', { label }), values: lower },
      { label: t('chart.upper', { label }), values: upper },
    ]),
  ]
  const noted = new Map(marks.map((mark) => [mark.at, mark.label]))
  const noteOf = (/** @type {number} */ i) =>
    [noted.get(at[i] ?? ''), partial && i === at.length - 1 && t('chart.partial')].filter(Boolean).join(', ')
  const csv = () =>
    saveCsv(title, [
      [t('chart.time'), ...columns.map(({ label }) => label), t('chart.note')],
      ...at.map((start, i) => [start, ...columns.map(({ values }) => values[i] ?? null), noteOf(i)]),
    ])
  const png = () => {
    const plot = canvas.current()
    if (!plot) return
    const legend = [
      ...lines.map(({ label, pen, look }) => ({
        label,
        colour: penOf(pen).colour,
        dash: look === 'dashed' ? [4, 3] : penOf(pen).dash,
        dot: false,
      })),
      ...bands.map(({ label, pen }) => ({ label, colour: penOf(pen).colour, dash: [], dot: true })),
    ]
    savePng(plot, { title, subtitle: about, legend })
  }
  const files = [
    { label: t('chart.csv'), onSelect: csv },
    { label: t('chart.png'), onSelect: png },
  ]
  return html`
    <figure class="chart time-chart" aria-label=${title}>
      <div class="chart-head"><${level === 2 ? 'h2' : 'h3'}>${title}<//>
        <${Menu} label=${t('chart.export', { title })} kind="plain small" text=${t('chart.export.short')} items=${files} /></div>
      <${TimePlot} drawn=${drawn} size=${size} label=${`${title}. ${summary} ${t('chart.keys')}`} onIndex=${setIndex} canvas=${canvas} />
      <${Legend} drawn=${drawn} index=${index} note=${index === null ? '' : noteOf(index)} named=${columns.length > 1} />
      <figcaption class=${size === 'short' ? 'unseen' : ''}>${summary}</figcaption>
      <details open=${open}>
        <summary>${t('chart.table')}</summary>
        <${NumbersTable} caption=${title} first=${t('chart.time')} columns=${columns} note=${noteOf} format=${props.format}
          rows=${at.map((start) => bucketName(start, granularity, zone))} from=${ahead} />
      </details>
    </figure>`
}

/** @param {{ drawn: import('./time-plot.js').Drawn, index: number | null, note: string, named: boolean }} props `named`: there is more than one thing to tell apart */
function Legend({ drawn: { at, granularity, zone, lines, bands, marks, format }, index, note, named }) {
  const value = (/** @type {Column} */ values) => (index === null ? '' : format(values[index]))
  return html`
    <ul class="chart-legend" aria-live="polite">
      ${index !== null && html`<li class="muted">${bucketName(at[index] ?? '', granularity, zone)}${note && ` (${note})`}</li>`}
      ${
        (named || index !== null) &&
        lines.map(
          ({ label, values, look, pen }) =>
            html`<li key=${label}><${Swatch} pen=${pen} look=${look} /><span class="name">${label}</span>
            ${index !== null && html` <b>${value(values)}</b>`}</li>`,
        )
      }
      ${bands.map(
        ({ label, lower, upper, pen, strength }) =>
          html`<li key=${label}><${Swatch} pen=${pen} look="band" strength=${strength} /><span class="name">${label}</span>
            ${index !== null && lower[index] !== null && html` <b>${value(lower)} … ${value(upper)}</b>`}</li>`,
      )}
      ${['point', 'rule'].map((look) => {
        const mark = marks.find(({ kind }) => kind === look)
        return (
          mark &&
          html`<li key=${look}><${Swatch} pen=${0} look=${look} /><span class="name">${mark.label}</span></li>`
        )
      })}
    </ul>`
}

/** @param {{ pen: number, look?: string, strength?: number }} props */
function Swatch({ pen, look = 'line', strength = 1 }) {
  const { name, dash } = penOf(pen)
  const shape =
    look === 'band'
      ? html`<rect width="18" height="10" opacity=${strength} />`
      : look === 'bars'
        ? html`<path d="M1 10V4h4v6ZM7 10V0h4v10ZM13 10V6h4v4Z" />`
        : look === 'point'
          ? html`<path d="M9 0l5 5-5 5-5-5Z" />`
          : look === 'rule'
            ? html`<line x1="9" y1="0" x2="9" y2="10" stroke-dasharray="2 2" />`
            : html`<line x1="0" y1="5" x2="18" y2="5" stroke-dasharray=${(look === 'dashed' ? [4, 3] : dash).join(' ')} />`
  return html`<svg class=${`swatch ${look === 'point' || look === 'rule' ? look : name}`} viewBox="0 0 18 10" aria-hidden="true">${shape}</svg>`
}
