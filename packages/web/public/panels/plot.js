import { html, useLayoutEffect, useRef } from '/assets/vendor/preact.js'
import uPlot from '/assets/vendor/uplot.js'
import { compact, number } from '../format.js'
import { ink, onInk, penOf } from './ink.js'
import { tickIn } from './model.js'
import { thin } from './thin.js'

/** @typedef {{ at: number[], lines: number[][], bars: boolean, spanS: number, format?: 'compact' | 'full', thresholds: { at: number, tone: 'good' | 'warn' | 'bad' }[] }} Drawn at in s */

/** One observer for all plots of a page. @type {ResizeObserver | undefined} */
let sizes
/** @type {WeakMap<Element, () => void>} */
const resized = new WeakMap()
/** @param {Element} element @param {() => void} then */
function onResize(element, then) {
  sizes ??= new ResizeObserver((entries) => {
    for (const { target } of entries) resized.get(target)?.()
  })
  resized.set(element, then)
  sizes.observe(element)
  return () => sizes?.unobserve(element)
}

/** A flat line lies in the middle; bars stand on 0. @param {number | null} min @param {number | null} max @param {boolean} bars @returns {[number, number]} */
function rangeOf(min, max, bars) {
  if (min === null || max === null) return [0, 1]
  const low = bars ? Math.min(0, min) : min
  const high = bars ? Math.max(0, max) : max
  const margin = high === low ? Math.max(1, Math.abs(high) * 0.1) : (high - low) * 0.08
  return [bars && low === 0 ? 0 : low - margin, bars && high === 0 ? 0 : high + margin]
}

/** Half the time between two points, s. @param {uPlot} plot */
function halfOf({ data: [at] }) {
  const span = (at.at(-1) ?? 0) - (at[0] ?? 0)
  return span / Math.max(1, at.length - 1) / 2 || 30
}

/** Threshold lines lie below the data; their tone is told by the words beside the value too. @param {uPlot} plot @param {Drawn['thresholds']} thresholds */
function drawThresholds(plot, thresholds) {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio])
  for (const { at, tone } of thresholds) {
    const y = plot.valToPos(at, 'y', true)
    if (y < bbox.top || y > bbox.top + bbox.height) continue
    ctx.strokeStyle = ink()[tone]
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
  }
  ctx.restore()
}

/** @param {Drawn} drawn @param {{ width: number, height: number }} size @param {(index: number | null) => void} onPoint @returns {uPlot.Options} */
function optionsOf({ lines, bars, spanS, format, thresholds }, size, onPoint) {
  const { muted, line } = ink()
  const axis = {
    stroke: muted,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  }
  const tick = (/** @type {number} */ value) =>
    format === 'compact' || Math.abs(value) >= 10_000_000 ? compact(value) : number(value)
  const small = size.height < 120
  return {
    ...size,
    legend: { show: false },
    padding: [8, 8, small ? 4 : 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !bars } },
    scales: {
      // A bar stands around its moment: half of one more on either side.
      x: { range: (plot, min, max) => (bars ? [min - halfOf(plot), max + halfOf(plot)] : [min, max]) },
      y: { range: (_, min, max) => rangeOf(min, max, bars) },
    },
    axes: [
      {
        ...axis,
        show: !small,
        grid: { show: false },
        space: 72,
        size: 26,
        values: (_, ticks) => ticks.map((at) => tickIn(at * 1000, spanS)),
      },
      {
        ...axis,
        space: 32,
        size: (_, ticks) => 16 + 7 * Math.max(2, ...(ticks ?? []).map((text) => text.length)),
        values: (_, ticks) => ticks.map(tick),
      },
    ],
    series: [
      {},
      ...lines.map((_, n) => {
        const { colour, dash } = penOf(n)
        return bars
          ? {
              width: 0,
              points: { show: false },
              fill: colour,
              ...(uPlot.paths.bars && { paths: uPlot.paths.bars({ size: [0.7, 40] }) }),
            }
          : { stroke: colour, width: 1.5, dash, points: { show: false } }
      }),
    ],
    hooks: {
      drawAxes: [(plot) => drawThresholds(plot, thresholds)],
      setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)],
    },
  }
}

/** What makes another plot: all but its data. @param {Drawn} drawn */
const shapeOf = ({ lines, bars, spanS, format, thresholds }) =>
  JSON.stringify([lines.length, bars, spanS, format, thresholds])

/**
 * Lines or bars over time, as large as their box; drawn for the eye only, words and a table say the same. The plot is kept
 * while only its data change.
 * @param {{ drawn: Drawn, onPoint?: (at: number | null) => void }} props `onPoint`: the moment (s) under the pointer
 */
export function Plot({ drawn, onPoint }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const latest = useRef(drawn)
  latest.current = drawn
  const point = useRef(onPoint)
  point.current = onPoint
  const plot = useRef(/** @type {uPlot | null} */ (null))
  const data = (/** @type {number} */ width) => {
    const { at, lines, bars } = latest.current
    const thinned = bars ? { at, lines } : thin(at, lines, width)
    return /** @type {uPlot.AlignedData} */ ([thinned.at, ...thinned.lines])
  }
  const shape = shapeOf(drawn)
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    const draw = () => {
      const { clientWidth: width, clientHeight: height } = element
      plot.current?.destroy()
      plot.current = null
      if (width < 16 || height < 16) return
      const tell = (/** @type {number | null} */ index) =>
        point.current?.(index === null ? null : Number(plot.current?.data[0][index] ?? 0) || null)
      plot.current = new uPlot(optionsOf(latest.current, { width, height }, tell), data(width), element)
    }
    draw()
    const fit = () => {
      const { clientWidth: width, clientHeight: height } = element
      if (!plot.current || plot.current.height !== height) draw()
      else if (plot.current.width !== width) {
        plot.current.setSize({ width, height })
        plot.current.setData(data(width))
      }
    }
    const ends = [onResize(element, fit), onInk(draw)]
    return () => {
      for (const end of ends) end()
      plot.current?.destroy()
      plot.current = null
    }
  }, [shape])
  const first = useRef(true)
  useLayoutEffect(() => {
    if (!first.current) plot.current?.setData(data(plot.current.width))
    first.current = false
  }, [drawn])
  return html`<div class="panel-plot" ref=${box} aria-hidden="true"></div>`
}
