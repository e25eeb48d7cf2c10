import { html, useEffect, useMemo, useRef } from '/assets/vendor/preact.js'
import uPlot from '/assets/vendor/uplot.js'
import { change, compact, dateTime, number } from './format.js'
import { language, t } from './i18n.js'

/** @typedef {{ at: string | number, value: number, partial?: boolean }} Point `at`: RFC 3339 or ms */

const height = 220
/** A colour as it is in the present theme: a canvas knows no custom properties. @param {string} name */
function token(name) {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  return colour
}

/** @param {Point[]} points @param {boolean} bars @param {number} width @param {boolean} short a day or less */
function optionsOf(points, bars, width, short) {
  const axis = {
    stroke: token('--muted'),
    grid: { stroke: token('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  }
  const series = { stroke: token('--series-1'), width: 1.5, points: { show: points.length < 2 } }
  const time = new Intl.DateTimeFormat(language(), { timeStyle: 'short' })
  const day = new Intl.DateTimeFormat(language(), { month: 'short', day: 'numeric' })
  const nameOf = (/** @type {number} */ at) => {
    const when = new Date(at * 1000)
    return (short || when.getHours() !== 0 || when.getMinutes() !== 0 ? time : day).format(when)
  }
  /** @type {uPlot.Options} */
  const options = {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: (_, min, max) => rangeOf(min, max, bars) } },
    axes: [
      { ...axis, space: 84, size: 32, values: (_, ticks) => ticks.map(nameOf) },
      { ...axis, size: widthOf, values: (_, ticks) => ticks.map(tickOf) },
    ],
    series: [
      {},
      bars
        ? {
            ...series,
            width: 0,
            fill: token('--series-1'),
            ...(uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.7, 40] }) } : {}),
          }
        : { ...series, ...(uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}) },
    ],
  }
  return options
}

/** Exact while it is short: 70,100 and 70,200 are not both 70K. @param {number} value */
const tickOf = (value) => (Math.abs(value) < 10_000_000 ? number(value) : compact(value))
/** Room for the longest tick. @param {uPlot} _ @param {string[] | null} ticks */
const widthOf = (_, ticks) => 20 + 7 * Math.max(3, ...(ticks ?? []).map((tick) => tick.length))

/** A flat line lies in the middle; bars stand on 0. @param {number} min @param {number} max @param {boolean} bars @returns {[number, number]} */
function rangeOf(min, max, bars) {
  if (min === null || max === null) return [0, 1]
  const low = bars ? Math.min(0, min) : min
  const high = bars ? Math.max(0, max) : max
  const margin = high === low ? Math.max(1, Math.abs(high) * 0.1) : (high - low) * 0.08
  return [bars && low === 0 ? 0 : low - margin, bars && high === 0 ? 0 : high + margin]
}

const ms = (/** @type {Point} */ point) => new Date(point.at).getTime()

const dayS = 86_400
/** A little over a day still shows times only. @param {Point[]} points */
const isShort = (points) => {
  const [first, last] = [points[0], points.at(-1)]
  return first !== undefined && last !== undefined && ms(last) - ms(first) <= (dayS + 3600) * 1000
}

/** What the chart shows, in words. @param {Point[]} points @param {boolean} bars */
function summaryOf(points, bars) {
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last) return t('chart.empty')
  const values = points.map((point) => point.value)
  const most = points.reduce((a, b) => (b.value > a.value ? b : a))
  if (bars) {
    const sum = values.reduce((a, b) => a + b, 0)
    return t('chart.summary.bars', { sum: change(sum), when: dateTime(most.at), max: change(most.value) })
  }
  return t('chart.summary', {
    from: dateTime(first.at),
    to: dateTime(last.at),
    first: number(first.value),
    last: number(last.value),
    min: number(Math.min(...values)),
    max: number(most.value),
  })
}

/** The longest table that is drawn beside a chart; further rows are on the export. */
const maxRows = 500

/**
 * A chart with its summary in words and its table beside it.
 * @param {{ title: string, points: Point[], label: string, bars?: boolean }} props `label`: what the numbers are
 */
export function Chart({ title, points, label, bars = false }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const plot = useRef(/** @type {uPlot | null} */ (null))
  /** @type {[number[], number[]]} */
  const data = useMemo(
    () => [points.map((point) => ms(point) / 1000), points.map((point) => point.value)],
    [points],
  )
  const short = isShort(points)
  const enough = points.length > 0
  useEffect(() => {
    const element = box.current
    if (!element || !enough) return
    const draw = () => {
      plot.current?.destroy()
      plot.current = new uPlot(optionsOf(points, bars, element.clientWidth, short), data, element)
    }
    draw()
    const sized = new ResizeObserver(() => {
      if (plot.current && plot.current.width !== element.clientWidth)
        plot.current.setSize({ width: element.clientWidth, height })
    })
    sized.observe(element)
    // Its colours are read once: another theme draws it anew.
    const theme = new MutationObserver(draw)
    theme.observe(document.documentElement, { attributeFilter: ['data-theme', 'lang'] })
    const system = matchMedia('(prefers-color-scheme: dark)')
    system.addEventListener('change', draw)
    return () => {
      sized.disconnect()
      theme.disconnect()
      system.removeEventListener('change', draw)
      plot.current?.destroy()
      plot.current = null
    }
  }, [bars, enough, short])
  useEffect(() => plot.current?.setData(data), [data])
  return html`
    <figure class="chart" aria-label=${title}>
      ${enough && html`<div class="plot" ref=${box} aria-hidden="true"></div>`}
      <figcaption>${summaryOf(points, bars)}</figcaption>
      ${enough && html`<${PointTable} title=${title} points=${points} label=${label} />`}
    </figure>`
}

/** @param {{ title: string, points: Point[], label: string }} props */
const PointTable = ({ title, points, label }) => html`
  <details>
    <summary>${t('chart.table')}</summary>
    <div class="table-box scroll" tabindex="0" role="region" aria-label=${title}>
      <table class="plain">
        <caption>${points.length > maxRows ? `${title} – ${t('state.partial')}` : title}</caption>
        <thead><tr><th scope="col">${t('chart.time')}</th><th scope="col" class="numeric">${label}</th></tr></thead>
        <tbody>${points
          .slice(-maxRows)
          .reverse()
          .map(
            (point) =>
              html`<tr key=${point.at}><td>${dateTime(point.at)}${
                point.partial && html` <small>${t('chart.partial')}</small>`
              }</td><td class="numeric">${number(point.value)}</td></tr>`,
          )}</tbody>
      </table>
    </div>
  </details>`

/** A line the size of a word; what it shows is told beside it. @param {{ values: number[] }} props */
export function Spark({ values }) {
  if (values.length < 2) return null
  const [low, high] = [Math.min(0, ...values), Math.max(...values)]
  const y = (/** @type {number} */ value) => (high === low ? 15 : 15 - ((value - low) / (high - low)) * 14)
  const points = values.map(
    (value, i) => `${((i / (values.length - 1)) * 64).toFixed(1)},${y(value).toFixed(1)}`,
  )
  return html`<svg class="spark" viewBox="0 0 64 16" role="img" aria-label=${t('chart.spark')}
    preserveAspectRatio="none"><polyline points=${points.join(' ')} /></svg>`
}
