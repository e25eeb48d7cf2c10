import { html } from '/assets/vendor/preact.js'
import { t } from './i18n.js'
import { Panel } from './panels/panel.js'

/** @typedef {import('./panels/model.js').PanelData} PanelData */
/** @typedef {import('./panels/model.js').Shown} Shown */

const start = Date.UTC(2026, 0, 5, 9) / 1000
const at = Array.from({ length: 96 }, (_, i) => start + i * 900)
const line = (/** @type {number} */ from, /** @type {number} */ step) => ({
  base: from,
  values: at.map((_, i) => from + i * step + ((i * 37) % 11) * 14),
})
const series = {
  stepS: 900,
  at,
  counts: new Map([
    ['page.views', line(1_200_000, 90)],
    ['shop.stock', line(9000, -60)],
  ]),
}
/** @type {Shown[]} */
const counts = [
  { id: 'page.views', missing: false, name: 'page.views', unit: 'm²', value: 1_208_700, today: 4321 },
  { id: 'shop.stock', missing: false, name: 'shop.stock', unit: '', value: 3420, today: -70 },
  { id: 'votes.2026', missing: true, name: 'votes.2026', unit: '', value: null, today: null },
]
const [views, stock, lost] = /** @type {[Shown, Shown, Shown]} */ (counts)
/** @type {PanelData['panel']['thresholds']} */
const thresholds = [
  { at: 0, tone: 'bad' },
  { at: 3000, tone: 'warn' },
  { at: 5000, tone: 'good' },
]

/** Every kind of panel in every state. @type {[PanelData['panel']['type'], Shown[], Partial<PanelData['panel']>?, Partial<PanelData>?, boolean?][]} */
const shown = [
  ['number', [views]],
  ['number', [stock], { thresholds }],
  ['number', [views], { format: 'compact', spark: false }],
  ['number', counts, { thresholds }],
  ['line', [views, stock], { thresholds }],
  ['line', [views], { measure: 'change' }],
  ['bar', [views]],
  ['bar', counts, { measure: 'value', thresholds }, { more: true }],
  ['table', counts, { thresholds }],
  ['gauge', [stock], { max: 10_000, thresholds }],
  ['gauge', [views, lost], {}, { series: undefined }],
  [
    'markdown',
    [],
    {
      text: '# 1\n\n**2** *3* `4`\n\n- 5\n- [6](https://example.org)\n\n> 7\n\n| 8 | 9 |\n|---|---|\n| 1 | 2 |',
    },
  ],
  ['number', [lost]],
  ['line', []],
  ['line', [views], {}, { series: undefined }],
  ['number', [views], {}, {}, true],
]

/** All panels, as they stand on a dashboard. */
export const KitPanels = () => html`
  <section class="card stack" aria-label=${t('kit.panels')}><h2>${t('kit.panels')}</h2>
    <div class="board">${shown.map(([type, of, more, rest, waiting], i) => {
      const panel = {
        id: `kit-${i}`,
        type,
        title: t(`panel.type.${type}`),
        layout: { x: 0, y: 0, w: 4, h: 3 },
        ...more,
      }
      const data = { panel, counts: of, more: false, range: '24h', series, ...rest }
      return html`<div key=${i} style=${{ gridColumn: 'span 4', gridRow: 'span 3', minHeight: '232px' }}>
        <div class="panel" role="group" data-kit aria-label=${`${panel.title} ${i + 1}`}><${Panel} data=${data} waiting=${waiting} /></div></div>`
    })}</div></section>`
