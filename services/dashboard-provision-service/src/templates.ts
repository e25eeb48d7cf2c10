import type { CountSelection, DashboardBody, Panel, Range } from '@count/core/dashboards'
import type { Language, TemplateView } from './schemas.ts'

interface Template extends TemplateView {
  range: Range
  /** Panels for these counts; `counts` is given exactly where `takes` names a way. */
  panels(counts: CountSelection, say: (en: string, ko: string) => string): Omit<Panel, 'id'>[]
}

const everyWay = ['ids', 'prefix', 'tag'] satisfies TemplateView['takes']

/** A number for each count; those by prefix or tag, of which nobody knows how many there are, share a table. */
function numbers(
  counts: CountSelection,
  w: number,
  h: number,
): { panels: Omit<Panel, 'id'>[]; below: number } {
  const shown = counts.ids?.slice(0, 24).map((id): CountSelection => ({ ids: [id] })) ?? [counts]
  const inRow = 12 / w
  const panels = shown.map(
    (counts, i): Omit<Panel, 'id'> => ({
      type: counts.ids ? 'number' : 'table',
      title: '',
      counts,
      layout: counts.ids
        ? { x: (i % inRow) * w, y: Math.floor(i / inRow) * h, w, h }
        : { x: 0, y: 0, w: 12, h: h * 2 },
    }),
  )
  return { panels, below: Math.max(...panels.map(({ layout }) => layout.y + layout.h)) }
}

const templates: Template[] = [
  {
    id: 'overview',
    name: { en: 'Overview', ko: '개요' },
    description: {
      en: 'Numbers, then a line, bars and a table of the last day',
      ko: '숫자와 최근 하루의 선, 막대, 표',
    },
    takes: everyWay,
    range: '24h',
    panels(counts, say) {
      const { panels, below } = numbers(counts, 3, 3)
      return [
        ...panels,
        {
          type: 'line',
          title: say('Over time', '시간에 따른 값'),
          counts,
          layout: { x: 0, y: below, w: 8, h: 6 },
        },
        { type: 'bar', title: say('Change', '변화'), counts, layout: { x: 8, y: below, w: 4, h: 6 } },
        ...(counts.ids
          ? [
              {
                type: 'table' as const,
                title: say('Counts', '카운트'),
                counts,
                layout: { x: 0, y: below + 6, w: 12, h: 5 },
              },
            ]
          : []),
      ]
    },
  },
  {
    id: 'wall',
    name: { en: 'Wall', ko: '벽 화면' },
    description: {
      en: 'Large numbers for a screen that is seen from afar',
      ko: '멀리서 보는 화면을 위한 큰 숫자',
    },
    takes: everyWay,
    range: '24h',
    panels: (counts) => numbers(counts, 4, 5).panels,
  },
  {
    id: 'trends',
    name: { en: 'Trends', ko: '추세' },
    description: {
      en: 'The same counts over a day, a month and a year',
      ko: '같은 카운트의 하루, 한 달, 일 년',
    },
    takes: everyWay,
    range: '24h',
    panels: (counts, say) => [
      { type: 'line', title: say('Day', '하루'), counts, range: '24h', layout: { x: 0, y: 0, w: 12, h: 6 } },
      { type: 'bar', title: say('Month', '한 달'), counts, range: '30d', layout: { x: 0, y: 6, w: 6, h: 6 } },
      { type: 'line', title: say('Year', '일 년'), counts, range: '1y', layout: { x: 6, y: 6, w: 6, h: 6 } },
    ],
  },
  {
    id: 'flights',
    name: { en: 'Flights', ko: '항공편' },
    description: {
      en: 'Every panel there is, for the counts of npm run demo',
      ko: 'npm run demo의 카운트로 보는 모든 패널',
    },
    takes: [],
    range: '1h',
    panels: (_counts, say) => [
      ...['ord', 'atl', 'dfw', 'lax'].map(
        (airport, i): Omit<Panel, 'id'> => ({
          type: 'number',
          title: say(`Departures ${airport.toUpperCase()}`, `${airport.toUpperCase()} 출발`),
          counts: { ids: [`flights:origin:${airport}`] },
          layout: { x: i * 3, y: 0, w: 3, h: 3 },
          spark: true,
        }),
      ),
      {
        type: 'line',
        title: say('Departures of the largest airports', '주요 공항 출발'),
        counts: { ids: ['ord', 'atl', 'dfw', 'lax', 'phx'].map((airport) => `flights:origin:${airport}`) },
        layout: { x: 0, y: 3, w: 8, h: 6 },
      },
      {
        type: 'gauge',
        title: say('Arrivals ORD', 'ORD 도착'),
        counts: { ids: ['flights:destination:ord'] },
        layout: { x: 8, y: 3, w: 4, h: 3 },
        min: 0,
        max: 2000,
        thresholds: [
          { at: 0, tone: 'good' },
          { at: 1200, tone: 'warn' },
          { at: 1800, tone: 'bad' },
        ],
      },
      {
        type: 'markdown',
        title: say('About', '설명'),
        text: say(
          'Flights in the United States in early **2001**, replayed by `npm run demo -- --live`.',
          '2001년 초 **미국 항공편**을 `npm run demo -- --live`로 재생합니다.',
        ),
        layout: { x: 8, y: 6, w: 4, h: 3 },
      },
      {
        type: 'bar',
        title: say('Departures', '출발'),
        counts: { tag: 'flights-origin' },
        layout: { x: 0, y: 9, w: 6, h: 6 },
      },
      {
        type: 'table',
        title: say('Arrivals', '도착'),
        counts: { prefix: 'flights:destination:' },
        layout: { x: 6, y: 9, w: 6, h: 6 },
      },
    ],
  },
]

export const templateList: TemplateView[] = templates.map(({ id, name, description, takes }) => ({
  id,
  name,
  description,
  takes,
}))

export const templateOf = (id: string): TemplateView | undefined => templateList.find((one) => one.id === id)

/** What a template makes of these counts; undefined when there is no such template. */
export function fromTemplate(
  id: string,
  { name, counts = {}, language }: { name?: string; counts?: CountSelection; language: Language },
): DashboardBody | undefined {
  const template = templates.find((one) => one.id === id)
  if (!template) return undefined
  const panels = template.panels(counts, (en, ko) => (language === 'ko' ? ko : en))
  return {
    name: name ?? template.name[language],
    range: template.range,
    panels: panels.map((panel, i) => ({ id: `p${i + 1}`, ...panel })),
  }
}
