import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { expect, test } from 'vitest'

const { fold } = await import('../public/stream/frames.js')
const { trustOf } = await import('../public/stream/trust.js')
const { freePlace, stepOf } = await import('../public/layout.js')
const { thin } = await import('../../../packages/web/public/panels/thin.js')

const at = '2026-11-23T23:50:00.000Z'
const later = (minutes: number) => new Date(Date.parse(at) + minutes * 60_000).toISOString()
const second = (minutes: number) => Date.parse(later(minutes)) / 1000

const snapshot = () => ({
  at,
  zone: 'UTC',
  dashboard: {
    id: 'd',
    name: 'D',
    range: '15m' as const,
    panels: [],
    revision: 1,
    createdAt: at,
    updatedAt: at,
  },
  status: { state: 'live' as const, since: at },
  counts: [
    {
      id: 'a',
      missing: false as const,
      name: 'A',
      unit: '',
      value: 10,
      version: 5,
      today: 4,
      min: null,
      max: null,
    },
    { id: 'lost', missing: true as const },
  ],
  panels: [{ id: 'p', counts: ['a', 'lost'], more: false, range: '15m' as const }],
  series: [
    {
      range: '15m' as const,
      stepS: 60,
      at: [second(-2), second(-1), second(0)],
      counts: [{ id: 'a', base: 5, values: [6, 8, 10] }],
    },
  ],
  alerts: [],
})
const begun = () => fold(null, 'snapshot', snapshot()).board
const delta = (more: object = {}) => ({ at, counts: [], ...more })

test('a delta moves value, change today and the open end of its lines, and names what to draw', () => {
  const { board, change } = fold(
    begun(),
    'delta',
    delta({ counts: [{ id: 'a', value: 13, delta: 3, version: 6 }] }),
  )
  expect(board?.counts.get('a')).toMatchObject({ value: 13, today: 7, version: 6 })
  expect(board?.series.get('15m')?.counts.get('a')?.values).toEqual([6, 8, 13])
  expect([...change.counts]).toEqual(['a'])
  expect(change.all).toBe(false)
})

test('what is older than what is shown, or of no count, changes nothing', () => {
  const counts = [
    { id: 'a', value: 1, delta: -9, version: 4 },
    { id: 'lost', value: 1, delta: 1, version: 9 },
    { id: 'other', value: 1, delta: 1, version: 9 },
  ]
  const { board, change } = fold(begun(), 'delta', delta({ counts }))
  expect(board?.counts.get('a')).toMatchObject({ value: 10, today: 4 })
  expect(change.counts.size).toBe(0)
})

test('time alone begins new buckets, drops the oldest, and keeps their number', () => {
  const { board, change } = fold(begun(), 'heartbeat', { at: later(2) })
  const series = board?.series.get('15m')
  expect(series?.at).toEqual([second(0), second(1), second(2)])
  expect(series?.counts.get('a')).toEqual({ base: 8, values: [10, 10, 10] })
  expect(change.all).toBe(true)
})

test('after a long sleep the buckets are those of now', () => {
  const { board } = fold(begun(), 'heartbeat', { at: later(5000) })
  const series = board?.series.get('15m')
  expect(series?.at).toHaveLength(3)
  expect(series?.at.at(-1)).toBe(second(5000))
  expect(series?.counts.get('a')).toEqual({ base: 10, values: [10, 10, 10] })
})

test('change today begins anew with the day of the zone', () => {
  expect(fold(begun(), 'heartbeat', { at: later(9) }).board?.counts.get('a')).toMatchObject({ today: 4 })
  expect(fold(begun(), 'heartbeat', { at: later(10) }).board?.counts.get('a')).toMatchObject({ today: 0 })
})

test('the past of a count that came later is laid into the buckets that are held', () => {
  const series = [
    {
      range: '15m',
      stepS: 60,
      at: [second(-1), second(0), second(1)],
      counts: [{ id: 'b', base: 1, values: [2, 3, 4] }],
    },
  ]
  const panels = [{ id: 'p', counts: ['a', 'b'], more: false, range: '15m' }]
  const { board, change } = fold(begun(), 'delta', delta({ at: later(1), series, panels }))
  expect(board?.series.get('15m')?.counts.get('b')).toEqual({ base: 1, values: [2, 3, 4] })
  expect(board?.series.get('15m')?.counts.get('a')?.values).toEqual([8, 10, 10])
  expect([...change.panels]).toEqual(['p'])
})

test('the sign trusts the clock more than what it was told', () => {
  const now = Date.parse(at)
  const live = { state: 'live' as const, at: now - 90_000, heardAt: now - 14_000 }
  expect(trustOf({ link: live, now }).kind).toBe('live')
  // Asleep, cut off without a word, or its worker gone: it still says live.
  expect(trustOf({ link: { ...live, heardAt: now - 26_000 }, now })).toEqual({
    kind: 'stale',
    since: now - 26_000,
  })
  const lost = { state: 'reconnecting' as const, at: now - 4000, heardAt: now - 14_000 }
  expect(trustOf({ link: lost, now }).kind).toBe('reconnecting')
  expect(trustOf({ link: { ...lost, at: now - 6000 }, now })).toEqual({ kind: 'stale', since: now - 14_000 })
  expect(trustOf({ link: { state: 'reconnecting', at: now, heardAt: null }, now }).kind).toBe('connecting')
  const told = (state: 'live' | 'polling' | 'stale') =>
    trustOf({ link: live, status: { state, since: later(-3) }, now })
  expect(told('polling').kind).toBe('polling')
  expect(told('stale')).toEqual({ kind: 'stale', since: Date.parse(later(-3)) })
})

test('thinned lines fit the width and keep every peak and the newest value', () => {
  const line = Array.from({ length: 1000 }, (_, i) => (i === 333 ? 500 : i === 700 ? -500 : i % 7))
  const x = line.map((_, i) => i)
  const { at: thinX, lines } = thin(x, [line, line.map((value) => -value)], 100)
  expect(thinX).toHaveLength(200)
  expect(lines[0]).toHaveLength(200)
  expect(Math.max(...(lines[0] ?? []))).toBe(500)
  expect(Math.min(...(lines[0] ?? []))).toBe(-500)
  expect(lines[0]?.at(-1)).toBe(line.at(-1))
  expect(thinX.every((value, i) => i === 0 || value >= (thinX[i - 1] ?? 0))).toBe(true)
  expect(thin([1, 2], [[3, 4]], 100)).toEqual({ at: [1, 2], lines: [[3, 4]] })
})

test('a new panel takes the first free place; keys move and resize within the grid', () => {
  const one = (x: number, y: number, w: number, h: number) => ({
    id: `${x}${y}`,
    type: 'number' as const,
    title: '',
    layout: { x, y, w, h },
  })
  expect(freePlace([], { w: 3, h: 2 })).toEqual({ x: 0, y: 0, w: 3, h: 2 })
  expect(freePlace([one(0, 0, 6, 2), one(8, 0, 4, 1)], { w: 3, h: 2 })).toEqual({ x: 6, y: 1, w: 3, h: 2 })
  expect(freePlace([one(0, 0, 12, 4)], { w: 12, h: 1 })).toEqual({ x: 0, y: 4, w: 12, h: 1 })
  const at = { x: 9, y: 0, w: 3, h: 1 }
  expect(stepOf(at, 'ArrowRight', false)).toEqual(at)
  expect(stepOf(at, 'ArrowLeft', false)).toEqual({ ...at, x: 8 })
  expect(stepOf(at, 'ArrowUp', false)).toEqual(at)
  expect(stepOf(at, 'ArrowRight', true)).toEqual(at)
  expect(stepOf(at, 'ArrowLeft', true)).toEqual({ ...at, w: 2 })
  expect(stepOf(at, 'ArrowUp', true)).toEqual(at)
  expect(stepOf(at, 'Enter', false)).toBeNull()
})

const kit = join(import.meta.dirname, '../../../packages/web/public')
const site = join(import.meta.dirname, '../public')
const fileOf = (url: string) => (url.startsWith('/assets/') ? kit + url.slice(7) : site + url.slice(11))

/** Every module that this one needs before it can run. */
function imports(url: string, found = new Set<string>()): Set<string> {
  if (url.startsWith('/assets/vendor/')) return found
  for (const [, from = ''] of readFileSync(fileOf(url), 'utf8').matchAll(
    /^(?:import|export) [^'(]*'([^']+)'$/gm,
  )) {
    const target = from.startsWith('/') ? from : posix.join(posix.dirname(url), from)
    if (found.has(target)) continue
    found.add(target)
    imports(target, found)
  }
  return found
}

test.each(['view', 'share'])('%s.html asks for all its modules at once, and for no others', (name) => {
  const html = readFileSync(join(site, `${name}.html`), 'utf8')
  const asked = Array.from(html.matchAll(/<link rel="modulepreload" href="([^"]+)">/g), ([, url]) => url)
  const missing = imports(`/dashboards/${name}.js`).difference(new Set(asked))
  const needless = new Set(asked).difference(imports(`/dashboards/${name}.js`))
  expect({ missing: [...missing], needless: [...needless] }).toEqual({ missing: [], needless: [] })
})
