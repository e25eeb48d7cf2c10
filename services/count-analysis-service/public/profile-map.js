import { amount } from '/assets/charts/figures.js'
import { HeatMap } from '/assets/charts/heat-map.js'
import { once } from '/assets/format.js'
import { t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'

/** @typedef {NonNullable<import('./types.js').TrendAnswer['profile']>} Profile */

// A Monday, and a January: days and months have names only in dates.
const weekday = (/** @type {number} */ n, /** @type {'short' | 'long'} */ style = 'short') =>
  once(
    `weekday ${style}`,
    (tongue) => new Intl.DateTimeFormat(tongue, { weekday: style, timeZone: 'UTC' }),
  ).format(Date.UTC(2024, 0, n))
const month = (/** @type {number} */ n) =>
  once('month', (tongue) => new Intl.DateTimeFormat(tongue, { month: 'short', timeZone: 'UTC' })).format(
    Date.UTC(2024, n - 1, 1),
  )
const hour = (/** @type {number} */ n) => String(n).padStart(2, '0')

/** When in the week or the year it is much, and when little. @param {{ profile: Profile }} props */
export function ProfileMap({ profile: { by, rows, columns, mean } }) {
  const byMonth = by === 'month'
  const rowNames = byMonth ? [t('trend.profile.mean')] : rows.map((row) => weekday(row))
  const columnNames = byMonth
    ? columns.map(month)
    : by === 'weekday'
      ? [t('trend.profile.mean')]
      : columns.map(hour)
  const nameOf = (/** @type {number} */ i, /** @type {number} */ j) =>
    byMonth
      ? month(columns[j] ?? 1)
      : by === 'weekday'
        ? weekday(rows[i] ?? 1, 'long')
        : t('trend.profile.when', { day: weekday(rows[i] ?? 1, 'long'), hour: hour(columns[j] ?? 0) })
  const cells = mean.flatMap((row, i) =>
    row.flatMap((value, j) => (value === null ? [] : [{ value, name: nameOf(i, j) }])),
  )
  const [first] = cells
  if (!first) return null
  const most = cells.reduce((a, b) => (b.value > a.value ? b : a), first)
  const least = cells.reduce((a, b) => (b.value < a.value ? b : a), first)
  const summary = t('trend.profile.summary', {
    most: most.name,
    high: amount(most.value),
    least: least.name,
    low: amount(least.value),
  })
  // Seven cells beside each other are read more easily than seven below each other.
  const turned = by === 'weekday'
  return html`<${HeatMap} title=${t(`trend.profile.${by}`)} summary=${summary} corner=${t('trend.profile.corner')} format=${amount}
    rows=${turned ? columnNames : rowNames} columns=${turned ? rowNames : columnNames}
    values=${turned ? [mean.map(([value]) => value ?? null)] : mean} every=${by === 'weekday-hour' ? 3 : 1} />`
}
