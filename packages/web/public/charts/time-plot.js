import { html, useEffect, useLayoutEffect, useRef } from '/assets/vendor/preact.js'
import uPlot from '/assets/vendor/uplot.js'
import { compact } from '../format.js'
import { ink, onInk, penOf } from '../panels/ink.js'
import { amount } from './figures.js'
import { tickName } from './moments.js'

/** @typedef {import('./time-chart.js').Line} Line */
/** @typedef {import('./time-chart.js').Band} Band */
/** @typedef {import('./time-chart.js').Mark} Mark */
/**
 * @typedef {{ at: string[], granularity: import('./moments.js').Granularity, zone: string, lines: Line[], bands: Band[], marks: Mark[],
 *   partial: boolean, format: (value: number | null | undefined) => string }} Drawn
 */

const heights = { tall: 280, short: 120 }

/** @param {string} colour as computed: `rgb(…)` @param {number} strength */
const faint = (colour, strength) => colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${strength})`)

/** Lines without the open bucket, and what leads to it from the one before, for each that reaches it. @param {Drawn} drawn */
function split({ at, lines, partial }) {
  const last = at.length - 1
  return lines.flatMap((line) => {
    if (!partial || line.values[last] == null) return [line]
    const shown = line.look === 'bars' ? [last] : [last - 1, last]
    const open = line.values.map((value, i) => (shown.includes(i) ? value : null))
    return [
      { ...line, values: line.values.with(last, null) },
      { ...line, values: open, open: true },
    ]
  })
}

/** A flat line lies in the middle; bars stand on 0. @param {number | null} min @param {number | null} max @param {boolean} bars @returns {[number, number]} */
function rangeOf(min, max, bars) {
  if (min === null || max === null) return [0, 1]
  const [low, high] = bars ? [Math.min(0, min), Math.max(0, max)] : [min, max]
  const margin = high === low ? Math.max(1, Math.abs(high) * 0.1) : (high - low) * 0.08
  // What is never below 0 is not drawn as if it were.
  const floor = low >= 0 ? Math.max(0, low - margin) : low - margin
  return [bars && low === 0 ? 0 : floor, bars && high === 0 ? 0 : high + margin]
}

/** @param {Line & { open?: boolean }} line @returns {uPlot.Series} */
function seriesOf({ look = 'line', pen, values, open }) {
  const { colour, dash } = penOf(pen)
  if (look === 'bars') {
    return {
      width: open ? 1 : 0,
      stroke: colour,
      dash: [3, 2],
      fill: open ? faint(colour, 0.25) : colour,
      points: { show: false },
      ...(uPlot.paths.bars && { paths: uPlot.paths.bars({ size: [0.7, 40] }) }),
    }
  }
  const known = values.filter((value) => value !== null).length
  return {
    stroke: colour,
    width: look === 'dashed' ? 1.5 : 1.75,
    dash: open ? [2, 3] : look === 'dashed' ? [6, 4] : dash,
    // An open bucket ends in a ring; a line of one point would not be seen.
    points: { show: known < 2 || open === true, size: 7, fill: ink().card, stroke: colour, width: 1.5 },
  }
}

/** Diamonds on buckets and lines through them. @param {uPlot} plot @param {Drawn} drawn */
function drawMarks(plot, { marks, at, lines }) {
  const { ctx, bbox } = plot
  const scale = devicePixelRatio
  const { bad, accent, card } = ink()
  ctx.save()
  for (const { at: start, kind, value } of marks) {
    const x = plot.valToPos(Date.parse(start) / 1000, 'x', true)
    ctx.beginPath()
    if (kind === 'rule') {
      ctx.setLineDash([3 * scale, 3 * scale])
      ctx.strokeStyle = accent
      ctx.lineWidth = 1.5 * scale
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      continue
    }
    const y = plot.valToPos(value ?? lines[0]?.values[at.indexOf(start)] ?? 0, 'y', true)
    const r = 5 * scale
    ctx.setLineDash([])
    ctx.moveTo(x, y - r)
    ctx.lineTo(x + r, y)
    ctx.lineTo(x, y + r)
    ctx.lineTo(x - r, y)
    ctx.closePath()
    ctx.fillStyle = bad
    ctx.strokeStyle = card
    ctx.lineWidth = 1.5 * scale
    ctx.fill()
    ctx.stroke()
  }
  ctx.restore()
}

/** @param {Drawn} drawn @param {{ width: number, height: number }} size @param {(index: number | null) => void} onIndex @returns {uPlot.Options} */
function optionsOf(drawn, size, onIndex) {
  const { muted, line } = ink()
  const { at, bands, zone, format } = drawn
  const lines = split(drawn)
  const bars = lines.some(({ look }) => look === 'bars')
  const step =
    at.length > 1 ? (Date.parse(at.at(-1) ?? '') - Date.parse(at[0] ?? '')) / 1000 / (at.length - 1) : 60
  const axis = {
    stroke: muted,
    ticks: { show: false },
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
  }
  const tick = (/** @type {number} */ value) =>
    format === amount && Math.abs(value) >= 10_000_000 ? compact(value) : format(value)
  const hidden = { stroke: 'transparent', width: 0, points: { show: false } }
  return {
    ...size,
    legend: { show: false },
    padding: [8, 24, 0, 0],
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !bars } },
    scales: {
      // Half a bucket of room, or else the outer bars are cut.
      x: { range: (_, min, max) => [min - (bars ? step / 2 : 0), max + (bars ? step / 2 : 0)] },
      y: { range: (_, min, max) => rangeOf(min, max, bars) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 76,
        size: 28,
        values: (_plot, ticks, _axis, _space, step) => ticks.map((at) => tickName(at, step, zone)),
      },
      {
        ...axis,
        grid: { stroke: line, width: 1 },
        space: size.height > heights.short ? 36 : 24,
        size: (_, ticks) => 16 + 7 * Math.max(2, ...(ticks ?? []).map((text) => text.length)),
        values: (_, ticks) => ticks.map(tick),
      },
    ],
    series: [{}, ...bands.flatMap(() => [hidden, hidden]), ...lines.map(seriesOf)],
    bands: bands.map(({ pen, strength }, i) => ({
      series: [2 * i + 2, 2 * i + 1],
      fill: faint(penOf(pen).colour, strength),
    })),
    hooks: {
      draw: [(plot) => drawMarks(plot, drawn)],
      setCursor: [(plot) => onIndex(plot.cursor.idx ?? null)],
    },
  }
}

/** @param {Drawn} drawn @returns {uPlot.AlignedData} */
const dataOf = (drawn) => [
  drawn.at.map((start) => Date.parse(start) / 1000),
  ...drawn.bands.flatMap(({ lower, upper }) => [lower, upper]),
  ...split(drawn).map(({ values }) => values),
]

/**
 * The plot itself, for the eye; arrows move the cursor from bucket to bucket.
 * @param {{ drawn: Drawn, size: 'tall' | 'short', label: string, onIndex: (index: number | null) => void,
 *   canvas: import('/assets/vendor/preact.js').RefObject<() => HTMLCanvasElement | undefined> }} props
 */
export function TimePlot({ drawn, size, label, onIndex, canvas }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const plot = useRef(/** @type {uPlot | null} */ (null))
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    const draw = () => {
      plot.current?.destroy()
      const options = optionsOf(drawn, { width: element.clientWidth, height: heights[size] }, onIndex)
      plot.current = new uPlot(options, dataOf(drawn), element)
    }
    draw()
    const sized = new ResizeObserver(() => {
      if (plot.current && plot.current.width !== element.clientWidth)
        plot.current.setSize({ width: element.clientWidth, height: heights[size] })
    })
    sized.observe(element)
    const ended = onInk(draw)
    return () => {
      sized.disconnect()
      ended()
      plot.current?.destroy()
      plot.current = null
    }
  }, [drawn, size])
  useEffect(() => {
    if (canvas) canvas.current = () => plot.current?.ctx.canvas
  }, [])
  const press = (/** @type {KeyboardEvent} */ event) => {
    const now = plot.current
    if (!now) return
    const [at] = now.data
    const end = at.length - 1
    const from = now.cursor.idx ?? end + 1
    const to = { ArrowLeft: Math.max(0, from - 1), ArrowRight: Math.min(end, from + 1), Home: 0, End: end }[
      event.key
    ]
    if (event.key === 'Escape') now.setCursor({ left: -10, top: -10 })
    if (to === undefined) return
    event.preventDefault()
    now.setCursor({ left: now.valToPos(at[to] ?? 0, 'x'), top: 0 })
  }
  return html`<div class=${`plot ${size}`} ref=${box} role="img" tabindex="0" aria-label=${label} onKeyDown=${press}></div>`
}
