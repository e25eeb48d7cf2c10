import { html, render, useEffect, useState } from '/assets/vendor/preact.js'
import { Problem } from './api.js'
import { Chart, Spark } from './chart.js'
import { Charts } from './charts/kit-charts.js'
import { Badge, Button, Chip, CopyButton, Menu, Tabs } from './controls.js'
import { ConfirmByName, Dialog, FormError } from './dialog.js'
import { Checkbox, Field, WordsField } from './field.js'
import { ago, bytes, change, compact, dateTime, duration, number, percent } from './format.js'
import { Frame, PageHead } from './frame.js'
import { addWords, onLanguage, t } from './i18n.js'
import { KitPanels } from './kit-panels.js'
import { words } from './kit-words.js'
import { panelWords } from './panels/words.js'
import { Empty, ErrorState, Loading, Note, Skeleton, Stale } from './states.js'
import { Live, Table } from './table.js'
import { toast } from './toast.js'

// The same at each look, so that pictures of it can be compared.
const start = Date.UTC(2026, 0, 5, 9)
const hour = 3_600_000
const points = Array.from({ length: 24 }, (_, i) => ({
  at: start + i * hour,
  value: 1200 + i * 90 + ((i * 37) % 11) * 14,
}))
const bars = points.map(({ at }, i) => ({
  at,
  value: ((i * 53) % 17) * 12 - 30,
  ...(i === 23 && { partial: true }),
}))
const away = new Problem({ type: 'urn:count:problem:unavailable', status: 503 })
const offline = new Problem({ type: 'offline', status: 0 })
const rows = [
  { id: 'page.views', value: 1234567, today: 4321, status: 'good' },
  { id: 'shop.stock', value: 42, today: -7, status: 'warn' },
  { id: 'votes.2026', value: null, today: 0, status: 'quiet' },
]

/** @param {{ title: string, children?: unknown }} props */
const Part = ({ title, children }) =>
  html`<section class="card stack" aria-label=${title}><h2>${title}</h2>${children}</section>`

function Controls() {
  const [chip, setChip] = useState(true)
  const [tab, setTab] = useState('one')
  const tabs = [
    { id: 'one', label: t('kit.text') },
    { id: 'two', label: t('kit.value') },
  ]
  return html`
    <${Part} title=${t('kit.buttons')}>
      <div class="row">
        <${Button} kind="primary">${t('kit.primary')}<//><${Button}>${t('kit.secondary')}<//>
        <${Button} kind="danger">${t('kit.danger')}<//><${Button} disabled>${t('kit.disabled')}<//>
        <${Button} busy>${t('kit.busy')}<//><${CopyButton} text="page.views" onCopied=${() => toast(t('action.copied'))} />
        <${Menu} label=${t('kit.menu')} items=${[{ label: t('kit.secondary') }, { label: t('kit.danger'), danger: true }]} />
      </div>
    <//>
    <${Part} title=${t('kit.chips')}>
      <div class="chips"><${Chip} on=${chip} onClick=${() => setChip(!chip)}>${t('kit.good')}<//>
        <${Chip} on=${!chip} onClick=${() => setChip(!chip)}>${t('kit.warn')}<//><${Chip} removable onClick=${() => {}}>${t('kit.words')}<//></div>
    <//>
    <${Part} title=${t('kit.badges')}>
      <div class="chips">${['good', 'warn', 'bad', 'quiet'].map((tone) => html`<${Badge} key=${tone} tone=${tone}>${t(`kit.${tone}`)}<//>`)}</div>
    <//>
    <${Part} title=${t('kit.tabs')}><div>
      <${Tabs} label=${t('kit.tabs')} tabs=${tabs} current=${tab} onSelect=${setTab}>${t(tab === 'one' ? 'kit.text' : 'kit.value')}<//></div>
    <//>`
}

function Fields() {
  const [text, setText] = useState('')
  const [tags, setTags] = useState(['web', 'shop'])
  const [on, setOn] = useState(true)
  const options = [{ value: '', label: t('kit.value') }]
  return html`
    <${Part} title=${t('kit.fields')}>
      <div class="form narrow-form">
        <${FormError} error=${away} />
        <${Field} name="text" label=${t('kit.text')} value=${text} onInput=${setText} hint=${t('kit.hint')} required />
        <${Field} name="wrong" kind="number" label=${t('kit.wrong')} value="12a" onInput=${() => {}} error=${t('field.number')} />
        <${Field} name="select" kind="select" label=${t('kit.select')} value="" onInput=${() => {}} options=${options} plain />
        <${Field} name="off" label=${t('kit.disabled')} value="page.views" onInput=${() => {}} disabled mono />
        <${Field} name="long" kind="textarea" label=${t('kit.hint')} value="" onInput=${() => {}} />
        <${WordsField} name="words" label=${t('kit.words')} values=${tags} onChange=${setTags} />
        <${Checkbox} label=${t('kit.check')} checked=${on} onChange=${setOn} />
      </div>
    <//>`
}

function Floating() {
  const [open, setOpen] = useState('')
  const close = () => setOpen('')
  const undo = async () => toast(t('action.undo'))
  return html`
    <${Part} title=${t('kit.dialogs')}>
      <div class="row">
        <${Button} onClick=${() => setOpen('dialog')}>${t('kit.dialog')}<//>
        <${Button} onClick=${() => setOpen('confirm')}>${t('kit.confirm')}<//>
        <${Button} onClick=${() => toast(t('kit.toast.text', { name: 'page.views' }), { undo })}>${t('kit.toast')}<//>
      </div>
      ${
        open === 'dialog' &&
        html`<${Dialog} title=${t('kit.dialog')} onClose=${close}><p class="prose">${t('kit.hint')}</p>
        <footer><${Button} onClick=${close}>${t('action.cancel')}<//><${Button} kind="primary" onClick=${close}>${t('action.save')}<//></footer><//>`
      }
      ${
        open === 'confirm' &&
        html`<${ConfirmByName} title=${t('kit.confirm')} name="page.views" action=${t('action.delete')} onClose=${close} onConfirm=${async () => {}}>
          <p>${t('kit.confirm.what')}</p><//>`
      }
    <//>`
}

function Tables() {
  const [selected, setSelected] = useState(new Set(['shop.stock']))
  const [sort, setSort] = useState('id')
  /** @typedef {(typeof rows)[number]} Row */
  /** @type {import('./table.js').Column<Row>[]} */
  const columns = [
    {
      id: 'id',
      label: t('kit.text'),
      sort: 'id',
      narrow: 'first',
      cell: ({ id }) => html`<a href=${`#${id}`}>${id}</a>`,
    },
    {
      id: 'value',
      label: t('kit.value'),
      numeric: true,
      narrow: 'side',
      cell: ({ value }) => html`<${Live} text=${number(value)} of=${value} />`,
    },
    {
      id: 'today',
      label: t('kit.today'),
      numeric: true,
      cell: ({ today }) =>
        html`<span class="with-spark"><${Spark} values=${bars.map((bar) => bar.value + 40)} />${change(today)}</span>`,
    },
    {
      id: 'status',
      label: t('kit.badges'),
      cell: ({ status }) => html`<${Badge} tone=${status}>${t(`kit.${status}`)}<//>`,
    },
  ]
  return html`
    <${Part} title=${t('kit.table')}>
      <${Table} caption=${t('kit.table')} columns=${columns} rows=${sort === 'id' ? rows : rows.toReversed()} sort=${sort} onSort=${setSort}
        keyOf=${(/** @type {Row} */ { id }) => id} selected=${selected} onSelect=${setSelected} />
    <//>
    <${Part} title=${t('kit.numbers')}>
      <div class="facts"><span>${number(1234567)}</span><span>${change(-42)}</span><span>${compact(1234567)}</span><span>${percent(0.12)}</span>
        <span>${bytes(1_500_000)}</span><span>${duration(95)}</span><span>${ago(start - 3000, start)}</span><span>${dateTime(start)}</span></div>
    <//>`
}

const nothing = { data: undefined, error: undefined, at: undefined, reload: () => {}, set: () => {} }

const States = () => html`
  <${Part} title=${t('kit.states')}>
    <${Skeleton} rows=${3} />
    <${Empty} title=${t('kit.empty.title')} action=${html`<${Button} kind="primary">${t('kit.primary')}<//>`}>${t('kit.empty')}<//>
    <${ErrorState} error=${away} onRetry=${() => {}} />
    <${Loading} loaded=${{ ...nothing, data: 1, error: offline, at: start }}>${() => html`<p>${number(1234)}</p>`}<//>
    <${Stale} error=${away} />
    <${Note}>${t('state.readOnly')}<//><${Note} tone="warn">${t('state.partial')}<//>
  <//>
  <${Part} title=${t('kit.chart')}>
    <${Chart} title=${t('kit.chart.line')} label=${t('kit.value')} points=${points} />
    <${Chart} title=${t('kit.chart.bars')} label=${t('kit.today')} points=${bars} bars />
    <${Chart} title=${t('chart.empty')} label=${t('kit.value')} points=${[]} />
  <//>`

function Kit() {
  const [, setDrawn] = useState(0)
  useEffect(() => onLanguage(() => setDrawn((n) => n + 1)), [])
  return html`
    <${Frame}>
      <${PageHead} title=${t('kit.title')} actions=${[
        { label: t('kit.secondary'), onSelect: () => {} },
        { label: t('kit.primary'), primary: true, onSelect: () => {} },
      ]} />
      <div class="stack"><${Controls} /><${Fields} /><${Floating} /><${Tables} /><${States} /><${KitPanels} />
        <${Part} title=${t('kit.chart.bands')}><${Charts} /><//></div>
    <//>`
}

addWords(words)
addWords(panelWords)
document.body.textContent = ''
render(html`<${Kit} />`, document.body)
