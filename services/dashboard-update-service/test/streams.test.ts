import { createHash, randomUUID } from 'node:crypto'
import { until } from '@count/stack/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, panel, type World } from './world.ts'

let world: World
let server: Awaited<ReturnType<World['startUpdate']>>
beforeAll(async () => {
  world = await openWorld()
  server = await world.startUpdate()
})
afterAll(() => world.close())

const fresh = (name: string) => `${name}-${randomUUID().slice(0, 8)}`

test('a snapshot has everything the page draws, and an increment follows as a delta', async () => {
  const id = fresh('orders')
  await world.create(id, { unit: 'orders', initialValue: 40, min: 0, max: 1000 })
  await world.increment(id, 2)
  const dashboard = fresh('board')
  world.provision.save(dashboard, {
    range: '15m',
    panels: [
      panel('value', { ids: [id, 'nowhere'] }),
      panel('line', { ids: [id] }, { type: 'line', range: '7d' }),
      panel('text', undefined, { type: 'markdown', text: 'hello' }),
    ],
  })
  const watcher = await world.open(server, dashboard)
  expect(watcher.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const { data } = await watcher.next('snapshot')
  expect(data.dashboard).not.toHaveProperty('createdBy')
  expect(data.counts).toMatchObject([
    { id, missing: false, name: `Count ${id}`, unit: 'orders', min: 0, max: 1000, value: 42, today: 2 },
    { id: 'nowhere', missing: true },
  ])
  expect(data.panels).toEqual([
    { id: 'value', counts: [id, 'nowhere'], more: false, range: '15m' },
    { id: 'line', counts: [id], more: false, range: '7d' },
    { id: 'text', counts: [], more: false, range: '15m' },
  ])
  expect(data.series.map(({ range, at, counts }) => [range, at.length, counts.length])).toEqual([
    ['15m', 15, 1],
    ['7d', 168, 1],
  ])
  for (const { at, counts } of data.series) {
    expect(counts[0]).toMatchObject({ id, base: 40 })
    expect(counts[0]?.values).toHaveLength(at.length)
    expect(counts[0]?.values.at(-1)).toBe(42)
  }

  await world.increment(id, 5)
  const delta = await watcher.next('delta')
  expect(delta.data.counts).toEqual([{ id, value: 47, delta: 5, version: expect.any(Number) }])
  expect(watcher.faults).toEqual([])
})

test('what comes within a tenth of a second comes as one delta', async () => {
  const id = fresh('busy')
  await world.create(id)
  const dashboard = fresh('board')
  world.provision.save(dashboard, { panels: [panel('value', { ids: [id] })] })
  const watcher = await world.open(server, dashboard)
  await watcher.next('snapshot')
  const start = performance.now()
  await Promise.all(Array.from({ length: 300 }, () => world.increment(id)))
  await watcher.shows(id, 300)
  const seconds = (performance.now() - start) / 1000
  expect(watcher.all('delta').length).toBeLessThanOrEqual(Math.ceil(seconds * 10) + 1)
  expect(watcher.faults).toEqual([])
})

test('panels by prefix and tag pick up new counts, follow names, and drop what is deleted', async () => {
  const prefix = fresh('shop')
  const tag = fresh('tag')
  await world.create(`${prefix}:b`)
  const dashboard = fresh('board')
  world.provision.save(dashboard, {
    panels: [
      panel('prefix', { prefix: `${prefix}:` }, { type: 'line' }),
      panel('tag', { tag }, { type: 'table' }),
      panel('named', { ids: [`${prefix}:a`, `${prefix}:b`] }, { type: 'table' }),
    ],
  })
  const watcher = await world.open(server, dashboard)
  await watcher.next('snapshot')
  expect(watcher.members('prefix')).toEqual([`${prefix}:b`])
  expect(watcher.values.get(`${prefix}:a`)).toBeUndefined()

  await world.create(`${prefix}:a`, { initialValue: 7, tags: [tag] })
  await watcher.shows(`${prefix}:a`, 7)
  await until('both panels', () => watcher.members('tag')?.length === 1)
  expect(watcher.members('prefix')).toEqual([`${prefix}:a`, `${prefix}:b`])
  const series = await watcher.next('delta', ({ series }) => series !== undefined)
  expect(series.data.series?.[0]?.counts).toMatchObject([{ id: `${prefix}:a`, base: 7 }])
  await world.increment(`${prefix}:a`, 3)
  await watcher.shows(`${prefix}:a`, 10)

  await world.change(`${prefix}:a`, { name: 'Renamed', tags: [] })
  await until('the new name', () => watcher.names.get(`${prefix}:a`) === 'Renamed')
  await until('the tag to be gone', () => watcher.members('tag')?.length === 0)

  await world.remove(`${prefix}:a`)
  await watcher.shows(`${prefix}:a`, undefined)
  await until('the member to be gone', () => watcher.members('prefix')?.length === 1)

  await world.create(`${prefix}:a`, { initialValue: 1 })
  await watcher.shows(`${prefix}:a`, 1)
  await world.increment(`${prefix}:a`)
  await watcher.shows(`${prefix}:a`, 2)
  expect(watcher.faults).toEqual([])
})

test('a changed configuration is sent, and a deleted dashboard says so and ends', async () => {
  const [a, b] = [fresh('a'), fresh('b')]
  await Promise.all([world.create(a), world.create(b, { initialValue: 9 })])
  const dashboard = fresh('board')
  world.provision.save(dashboard, { panels: [panel('one', { ids: [a] })] })
  const watcher = await world.open(server, dashboard)
  await watcher.next('snapshot')
  world.provision.save(dashboard, { name: 'Second', panels: [panel('two', { ids: [b] })] })
  const { data } = await watcher.next('dashboard')
  expect(data.dashboard).toMatchObject({ name: 'Second', revision: 2 })
  expect(data.counts).toMatchObject([{ id: b, value: 9 }])
  await world.increment(b)
  await watcher.shows(b, 10)

  world.provision.dashboards.delete(dashboard)
  const gone = await watcher.next('gone')
  expect(gone.data).toEqual({ reason: 'deleted' })
  await watcher.end()
  await expect(world.open(server, dashboard)).rejects.toThrow('404')
})

test('while provision is away what is shown goes on, and comes back with its return', async () => {
  const id = fresh('on')
  await world.create(id)
  const dashboard = fresh('board')
  world.provision.save(dashboard, { panels: [panel('value', { ids: [id] })] })
  const watcher = await world.open(server, dashboard)
  await watcher.next('snapshot')
  world.provision.state.away = true
  await world.increment(id)
  await watcher.shows(id, 1)
  const second = await world.open(server, dashboard)
  await second.shows(id, 1)
  await expect(world.open(server, 'another')).rejects.toThrow('503')
  world.provision.save(dashboard, { name: 'Meanwhile', panels: [panel('value', { ids: [id] })] })
  world.provision.state.away = false
  await watcher.next('dashboard', ({ dashboard }) => dashboard.name === 'Meanwhile')
})

test('a stream that is opened again goes on from the frame it saw last', async () => {
  const id = fresh('again')
  await world.create(id)
  const dashboard = fresh('board')
  world.provision.save(dashboard, { panels: [panel('value', { ids: [id] })] })
  const first = await world.open(server, dashboard)
  await first.next('snapshot')
  await world.increment(id)
  await first.shows(id, 1)
  const lastId = first.lastId() ?? ''
  await first.close()
  const other = await world.open(server, dashboard)
  await other.next('snapshot')
  for (const value of [2, 3]) {
    await world.increment(id)
    await other.shows(id, value)
  }
  const { cookie } = world.session()
  const second = await world.open(server, dashboard, { cookie, 'last-event-id': lastId })
  const delta = await second.next('delta')
  expect(delta.data.counts).toMatchObject([{ id, value: 3, delta: 2 }])
  expect(delta.id).toBe(other.lastId())
  expect(second.all('snapshot')).toEqual([])
  const stranger = await world.open(server, dashboard, { cookie, 'last-event-id': 'another-process:5' })
  await stranger.next('snapshot')
})

test('a share link shows the dashboard without a session until it is revoked', async () => {
  const id = fresh('shared')
  await world.create(id)
  const dashboard = fresh('board')
  world.provision.save(dashboard, { panels: [panel('value', { ids: [id] })] })
  const share = (token: string, expiresAt: string | null = null) => {
    const hash = createHash('sha256').update(token).digest('hex')
    world.provision.shares.set(hash, { hash, dashboard, expiresAt })
    return hash
  }
  const hash = share('token-one')
  share('token-two')
  const [first, second] = await Promise.all(
    ['token-one', 'token-two'].map((token) => world.open(server, `shared/${token}`, {})),
  )
  await Promise.all([first?.next('snapshot'), second?.next('snapshot')])
  await expect(world.open(server, 'shared/forged', {})).rejects.toThrow('404')
  world.provision.shares.delete(hash)
  expect((await first?.next('gone'))?.data).toEqual({ reason: 'revoked' })
  await first?.end()
  share('brief', new Date(Date.now() + 1500).toISOString())
  const brief = await world.open(server, 'shared/brief', {})
  expect((await brief.next('gone')).data).toEqual({ reason: 'revoked' })
  await world.increment(id)
  await second?.shows(id, 1)
  expect(second?.ended()).toBe(false)
})

test('a revoked session ends its streams and no others', async () => {
  const dashboard = fresh('board')
  world.provision.save(dashboard, { panels: [] })
  const { sid, cookie } = world.session()
  const [mine, another] = await Promise.all([
    world.open(server, dashboard, { cookie }),
    world.open(server, dashboard),
  ])
  await mine.next('snapshot')
  world.revoked.push(sid)
  expect((await mine.next('gone')).data).toEqual({ reason: 'signed-out' })
  await mine.end()
  expect(another.ended()).toBe(false)
  await expect(world.open(server, dashboard, { cookie })).rejects.toThrow('401')
})

test('a session that expires ends its stream without a word: a renewed one may come back', async () => {
  const dashboard = fresh('board')
  world.provision.save(dashboard, { panels: [] })
  const watcher = await world.open(server, dashboard, { cookie: world.session('viewer', 2).cookie })
  await watcher.next('snapshot')
  await watcher.end()
  expect(watcher.all('gone')).toEqual([])
})

test('when the process stops every stream ends and is told to come back at a moment of its own', async () => {
  const dashboard = fresh('board')
  world.provision.save(dashboard, { panels: [] })
  const stopping = await world.startUpdate()
  const watchers = await Promise.all(Array.from({ length: 8 }, () => world.open(stopping, dashboard)))
  for (const watcher of watchers) await watcher.next('snapshot')
  await stopping.stop()
  for (const watcher of watchers) await watcher.end()
  expect(new Set(watchers.map((watcher) => watcher.retry())).size).toBeGreaterThan(1)
})
