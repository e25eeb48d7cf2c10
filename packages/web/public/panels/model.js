import { once } from '../format.js'
import { language, t } from '../i18n.js'

/** @typedef {import('../../../core/src/dashboards.ts').Panel} Panel */
/** @typedef {import('../../../core/src/dashboards.ts').Range} Range */
/** @typedef {'good' | 'warn' | 'bad'} Tone */
/** A count as a panel shows it. @typedef {{ id: string, missing: boolean, name: string, unit: string, value: number | null, today: number | null, min?: number | null, max?: number | null }} Shown */
/** The levels of counts at the ends of buckets, the last one still open. @typedef {{ stepS: number, at: number[], counts: Map<string, { base: number, values: number[] }> }} Series */
/**
 * What one panel draws from.
 * @typedef {{ panel: Panel, counts: Shown[], more: boolean, range: Range, series?: Series }} PanelData
 */

/** The tone from the highest threshold that the value reaches; below the lowest there is none. @param {number | null} value @param {Panel['thresholds']} thresholds @returns {Tone | null} */
export function toneOf(value, thresholds = []) {
  if (value === null) return null
  const [highest] = thresholds.filter(({ at }) => value >= at).toSorted((a, b) => b.at - a.at)
  return highest?.tone ?? null
}

/** A value as the panel wants it: whole, or as 1.28M, 128만. @param {number | null | undefined} value @param {Panel['format']} format @param {boolean} [signed] */
export function amount(value, format, signed = false) {
  if (value === null || value === undefined) return '–'
  const short = format === 'compact' && Math.abs(value) >= 1000
  return once(
    `panel ${short} ${signed}`,
    (tongue) =>
      new Intl.NumberFormat(tongue, {
        ...(short && { notation: 'compact', maximumSignificantDigits: 3 }),
        ...(signed && { signDisplay: 'exceptZero' }),
      }),
  ).format(value)
}

/** @param {Panel} panel @param {Shown} count */
export const unitOf = (panel, count) => panel.unit ?? count.unit

/** What a count came to within the range: null where its past is not known. @param {Series | undefined} series @param {string} id @returns {number | null} */
export function changeIn(series, id) {
  const line = series?.counts.get(id)
  const last = line?.values.at(-1)
  return line === undefined || last === undefined ? null : last - line.base
}

/** Changes per bucket, several taken together so that there are at most `most`. @param {Series} series @param {string} id @param {number} most @returns {{ at: number, value: number }[]} at in ms */
export function changesOf(series, id, most) {
  const line = series.counts.get(id)
  if (!line) return []
  const size = Math.ceil(series.at.length / most)
  const bars = []
  // Whole groups counted from the end: each bar stands for as long as the others.
  for (let end = series.at.length; end >= size; end -= size) {
    const first = end - size
    const before = first === 0 ? line.base : (line.values[first - 1] ?? line.base)
    bars.unshift({ at: (series.at[first] ?? 0) * 1000, value: (line.values[end - 1] ?? before) - before })
  }
  return bars
}

/** @param {Range} range */
export const rangeName = (range) => t(`panel.range.${range}`)

/** Time on an axis or in a table, as exact as the range needs. @param {number} at ms @param {number} spanS */
export const timeIn = (at, spanS) =>
  once(`time ${spanS > 90_000} ${spanS > 4_000_000}`, (tongue) =>
    spanS > 4_000_000
      ? new Intl.DateTimeFormat(tongue, { year: 'numeric', month: 'short', day: 'numeric' })
      : new Intl.DateTimeFormat(
          tongue,
          spanS > 90_000 ? { dateStyle: 'short', timeStyle: 'short' } : { timeStyle: 'short' },
        ),
  ).format(at)

/** On an axis: the day where one begins, else the time; only days where they are many. @param {number} at ms @param {number} spanS */
export function tickIn(at, spanS) {
  const when = new Date(at)
  const daily = spanS > 2_000_000 || (when.getHours() === 0 && when.getMinutes() === 0)
  return once(
    `tick ${daily}`,
    (tongue) =>
      new Intl.DateTimeFormat(tongue, daily ? { month: 'short', day: 'numeric' } : { timeStyle: 'short' }),
  ).format(at)
}

/** What has no name yet is called by its id. @param {Shown} count */
export const nameOf = (count) => (count.missing ? count.id : count.name || count.id)

/** Names beside each other, as the language lists them. @param {string[]} names */
export const listed = (names) => new Intl.ListFormat(language(), { type: 'unit' }).format(names)
