import { Unavailable } from '@count/core/away'
import { traced, tracedFetch } from '@count/core/trace'
import { expect, test } from 'vitest'
import { createCountNames } from '../src/count-names.ts'

const described = (id: string) => ({
  id,
  name: `Name of ${id}`,
  unit: '',
  min: null,
  max: null,
  created: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
})

/** A count-read-service that knows of these ids, and may be away, or know that it does not know. */
function open() {
  const state = { away: false, ids: ['a', 'b', 'c'], unclear: [] as string[], traceparent: '' }
  const fetch = tracedFetch(async (url, init) => {
    state.traceparent = init?.headers?.traceparent ?? ''
    if (state.away) throw new Error('connect ECONNREFUSED')
    const asked = new URL(url).searchParams.get('ids')?.split(',') ?? []
    const is = (id: string) => state.ids.includes(id) && !state.unclear.includes(id)
    const problems = asked.flatMap((id) =>
      is(id) ? [] : [{ id, status: state.unclear.includes(id) ? 503 : 404 }],
    )
    return Response.json({ items: asked.filter(is).map(described), nextCursor: null, problems })
  })
  const names = createCountNames({ fetch }, { READ_URL: 'http://read', SERVICE_TOKEN: 'token' })
  const signal = new AbortController().signal
  return { state, named: (...ids: string[]) => names.named(ids, signal) }
}

test('while count-read-service is away, counts asked for before are as they were, others cannot be had', async () => {
  const { state, named } = open()
  const before = await named('a', 'b')
  state.away = true
  expect(await named('b', 'a')).toEqual({ ok: true, items: [described('b'), described('a')] })
  expect(before).toEqual({ ok: true, items: [described('a'), described('b')] })
  await expect(named('a', 'c')).rejects.toBeInstanceOf(Unavailable)
})

test('what count-read-service cannot find out at the moment is as it was', async () => {
  const { state, named } = open()
  await named('a')
  state.unclear = ['a', 'b']
  expect(await named('a')).toEqual({ ok: true, items: [described('a')] })
  await expect(named('b')).rejects.toBeInstanceOf(Unavailable)
})

test('a count that was removed is unknown, also later', async () => {
  const { state, named } = open()
  await named('a')
  state.ids = []
  expect(await named('a')).toMatchObject({ ok: false })
  state.away = true
  await expect(named('a')).rejects.toBeInstanceOf(Unavailable)
})

test('the call belongs to the trace of the request that it is made for', async () => {
  const { state, named } = open()
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  await traced({ headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } }, () => named('a'))
  expect(state.traceparent).toContain(`-${trace}-`)
})
