import type { DeltaFrame } from '@count/core/dashboard-frames'
import { expect, test } from 'vitest'
import { conflate, createFrameNumbers, createFrameRing } from '../src/frame-ring.ts'

const delta = (id: string, value: number, change: number, version: number): DeltaFrame => ({
  at: '2026-01-01T00:00:00.000Z',
  counts: [{ id, value, delta: change, version }],
})
const parsed = (bytes: Buffer | undefined) =>
  (bytes?.toString() ?? '')
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => ({
      id: /^id: (.*)$/m.exec(event)?.[1],
      name: /^event: (.*)$/m.exec(event)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? ''),
    }))

test('who saw a frame gets all since as one, and who saw the last gets nothing', () => {
  const numbers = createFrameNumbers('p')
  const ring = createFrameRing(numbers)
  const start = ring.last()
  ring.add('delta', delta('a', 1, 1, 10))
  const seen = ring.last()
  ring.add('delta', delta('a', 3, 2, 11))
  ring.add('status', { state: 'stale', since: '2026-01-01T00:00:00.000Z' })
  ring.add('delta', delta('b', 5, 5, 12))
  ring.add('delta', delta('a', 2, -1, 13))
  const missed = parsed(ring.since(seen))
  expect(missed.map(({ name }) => name)).toEqual(['status', 'delta'])
  // Only the last has a number: who gets a part of them is not taken for one who has all.
  expect(missed.map(({ id }) => id)).toEqual([undefined, `p:${ring.last()}`])
  expect(missed[1]?.data.counts).toEqual([
    { id: 'a', value: 2, delta: 1, version: 13 },
    { id: 'b', value: 5, delta: 5, version: 12 },
  ])
  expect(parsed(ring.since(start))[1]?.data.counts[0]).toMatchObject({ id: 'a', delta: 2 })
  expect(ring.since(ring.last())).toHaveLength(0)
})

test('a frame of another process, of another dashboard, or from before a new beginning is not known', () => {
  const numbers = createFrameNumbers('p')
  const ring = createFrameRing(numbers)
  const other = createFrameRing(numbers)
  ring.add('delta', delta('a', 1, 1, 10))
  other.add('delta', delta('b', 1, 1, 10))
  expect(ring.since(other.last())).toBeUndefined()
  expect(numbers.parse(`q:${ring.last()}`)).toBeUndefined()
  expect(numbers.parse(undefined)).toBeUndefined()
  expect(numbers.parse(`p:${ring.last()}`)).toBe(ring.last())
  const before = ring.last()
  ring.restart()
  expect(ring.since(before)).toBeUndefined()
  expect(ring.since(Number.NaN)).toBeUndefined()
})

test('what is kept is bounded', () => {
  const ring = createFrameRing(createFrameNumbers('p'))
  const start = ring.last()
  for (let n = 1; n <= 600; n++) ring.add('delta', delta('a', n, 1, n))
  expect(ring.since(start)).toBeDefined()
  ring.add('delta', delta('a', 601, 1, 601))
  expect(ring.since(start)).toBeUndefined()
  const wide = createFrameRing(createFrameNumbers('p'))
  const begun = wide.last()
  const large = { ...delta('a', 1, 1, 1), at: 'x'.repeat(600_000) }
  wide.add('delta', large)
  wide.add('delta', large)
  expect(wide.since(begun)).toBeUndefined()
})

test('conflated frames show the later of what both say of a count', () => {
  const known = (value: number, version: number) => ({
    id: 'a',
    missing: false as const,
    name: 'A',
    unit: '',
    min: null,
    max: null,
    value,
    version,
    today: 0,
  })
  const renamedFirst = conflate([{ ...delta('b', 1, 1, 1), infos: [known(5, 50)] }, delta('a', 7, 2, 70)])
  expect(renamedFirst.infos).toMatchObject([{ id: 'a', value: 7, version: 70 }])
  const renamedLast = conflate([delta('a', 5, 2, 50), { ...delta('b', 1, 1, 1), infos: [known(7, 70)] }])
  expect(renamedLast.counts).toContainEqual({ id: 'a', value: 7, delta: 2, version: 70 })
})
