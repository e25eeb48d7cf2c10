import { get, query } from '/assets/api.js'
import { Chart } from '/assets/chart.js'
import { Chip } from '/assets/controls.js'
import { useLoad } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Loading } from '/assets/states.js'
import { html } from '/assets/vendor/preact.js'
import { pathOf } from './count-actions.js'

const hour = 3_600_000
/** How far back each range goes (ms), and the interval that fits it. @type {Record<string, [number, string]>} */
const ranges = {
  '3h': [3 * hour, 'minute'],
  '1d': [24 * hour, 'hour'],
  '7d': [7 * 24 * hour, 'hour'],
  '30d': [30 * 24 * hour, 'day'],
  '1y': [365 * 24 * hour, 'day'],
}
const measures = ['change', 'value']

/** Past changes or levels. @param {{ id: string, url: Record<string, string>, setUrl: (change: Record<string, string | null>) => void }} props */
export function HistoryTab({ id, url, setUrl }) {
  const range = url.range && url.range in ranges ? url.range : '1d'
  const [span, granularity] = ranges[range] ?? [24 * hour, 'hour']
  const measure = url.measure === 'value' ? 'value' : 'change'
  const path = `${pathOf(id)}/history`
  const loaded = useLoad(
    `${path} ${range} ${measure}`,
    (signal) => {
      const from = new Date(Date.now() - span).toISOString()
      return get(path + query({ granularity, measure, from }), { signal })
    },
    10_000,
  )
  const title = t('history.title', {
    measure: t(`history.${measure}`),
    granularity: t(`history.${granularity}`),
  })
  return html`
    <div class="card stack">
      <div class="filters">
        <div class="chips" role="group" aria-label=${t('history.range')}>
          ${Object.keys(ranges).map(
            (name) =>
              html`<${Chip} key=${name} on=${name === range} onClick=${() => setUrl({ range: name })}>${t(`history.range.${name}`)}<//>`,
          )}
        </div>
        <div class="chips" role="group" aria-label=${t('history.measure')}>
          ${measures.map(
            (name) =>
              html`<${Chip} key=${name} on=${name === measure} onClick=${() => setUrl({ measure: name })}>${t(`history.${name}`)}<//>`,
          )}
        </div>
      </div>
      <${Loading} loaded=${loaded} rows=${7}>
        ${(/** @type {{ points: import('/assets/chart.js').Point[] }} */ { points }) => html`
          <${Chart} key=${`${range} ${measure}`} title=${title} label=${t(`history.${measure}`)} points=${points} bars=${measure === 'change'} />`}
      <//>
    </div>`
}
