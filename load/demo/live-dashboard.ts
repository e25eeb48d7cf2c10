import type { Panel } from '@count/core/dashboards'
import { countOf } from './flights.ts'
import { totals } from './live-flights.ts'

/** Busiest of the data set, so that something moves all the time. */
const airports = ['ATL', 'ORD', 'DFW', 'LAX', 'PHX', 'STL', 'DEN', 'DTW', 'LAS', 'MSP']

const origins = airports.map((airport) => countOf('origin', airport))

const panels: Panel[] = [
  {
    id: 'departed',
    type: 'number',
    title: 'Departed',
    counts: { ids: [totals.departed] },
    format: 'full',
    layout: { x: 0, y: 0, w: 3, h: 3 },
  },
  {
    id: 'late',
    type: 'number',
    title: 'Departed late',
    counts: { ids: [totals.late] },
    format: 'full',
    layout: { x: 3, y: 0, w: 3, h: 3 },
  },
  {
    id: 'airborne',
    type: 'gauge',
    title: 'In the air',
    counts: { ids: [totals.airborne] },
    min: 0,
    max: 60,
    thresholds: [
      { at: 0, tone: 'good' },
      { at: 30, tone: 'warn' },
      { at: 45, tone: 'bad' },
    ],
    layout: { x: 6, y: 0, w: 3, h: 3 },
  },
  {
    id: 'about',
    type: 'markdown',
    title: 'About',
    text: 'Flights in the United States in **early 2001**, replayed. When they land is estimated from the distance.',
    layout: { x: 9, y: 0, w: 3, h: 3 },
  },
  {
    id: 'pace',
    type: 'line',
    title: 'Departures, and how many of them late',
    counts: { ids: [totals.departed, totals.late] },
    measure: 'change',
    layout: { x: 0, y: 3, w: 8, h: 5 },
  },
  {
    id: 'busiest',
    type: 'bar',
    title: 'Departures by airport',
    counts: { ids: origins },
    layout: { x: 8, y: 3, w: 4, h: 5 },
  },
  {
    id: 'sky',
    type: 'line',
    title: 'In the air',
    counts: { ids: [totals.airborne] },
    range: '15m',
    layout: { x: 0, y: 8, w: 6, h: 4 },
  },
  {
    id: 'arrivals',
    type: 'table',
    title: 'Arrivals',
    counts: { tag: 'flights-destination' },
    layout: { x: 6, y: 8, w: 6, h: 4 },
  },
]

/** The sample dashboard of the live demo. */
export const liveDashboard = { name: 'Flights, live', range: '1h', panels } as const
