import { html } from '/assets/vendor/preact.js'
import { t } from '../i18n.js'
import { decimals } from './figures.js'
import { HeatMap } from './heat-map.js'
import { TimeChart } from './time-chart.js'

const day = 86_400_000
const at = Array.from({ length: 60 }, (_, i) => new Date(Date.UTC(2026, 0, 5) + i * day).toISOString())
const values = at.map((_, i) => (i === 20 ? null : 100 + i * 2 + ((i * 37) % 23) + (i === 41 ? 70 : 0)))
const average = at.map((_, i) => (i < 6 ? null : 108 + i * 2))
const spread = (/** @type {number} */ by) => average.map((value) => value && value + by)
const hours = Array.from({ length: 12 }, (_, i) => String(i * 2).padStart(2, '0'))
const rows = ['1', '2', '3', '4']

/** Charts of kit.html: a gap, a band, marks, an open bucket; colours with a missing cell, below 0, and with numbers. */
export function Charts() {
  const common = {
    about: t('kit.chart.bands'),
    at,
    granularity: /** @type {const} */ ('day'),
    zone: 'UTC',
    level: /** @type {const} */ (3),
  }
  return html`
    <${TimeChart} ...${common} title=${t('kit.chart.bands')} summary=${t('kit.chart.rule')} partial
      lines=${[
        { label: t('kit.value'), values, pen: 0 },
        { label: t('kit.chart.average'), values: average, look: 'dashed', pen: 1 },
      ]}
      bands=${[{ label: t('kit.chart.band'), lower: spread(-24), upper: spread(24), pen: 0, strength: 0.16 }]}
      marks=${[
        { at: at[41], value: values[41], kind: 'point', label: t('kit.chart.unusual') },
        { at: at[30], kind: 'rule', label: t('kit.chart.rule') },
      ]} />
    <${TimeChart} ...${common} size="short" level=${3} title=${t('kit.chart.short')} summary=${t('kit.value')} lines=${[{ label: t('kit.value'), values, look: 'bars', pen: 2 }]} />
    <${HeatMap} title=${t('kit.heat')} summary=${t('kit.value')} corner=${t('kit.heat.rows')} rows=${rows} columns=${hours} every=${3} format=${String}
      values=${rows.map((_, i) => hours.map((_, j) => (i === 1 && j === 4 ? null : ((i * 5 + j * 7) % 17) - (i === 3 ? 6 : 0))))} />
    <${HeatMap} square title=${t('kit.heat.square')} summary=${t('kit.value')} corner=${t('kit.heat.rows')} rows=${rows} columns=${rows}
      format=${(/** @type {number | null} */ value) => decimals(value, 2)} values=${rows.map((_, i) => rows.map((_, j) => (i === j ? 1 : 0.9 - ((i + j) % 4) * 0.55)))} />`
}
