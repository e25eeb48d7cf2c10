import { freePort } from '@count/stack/ports'
import { until } from '@count/stack/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, panel, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

test('pages left open while every part is killed and started again end with the values of the store', async () => {
  const ids = ['f:a', 'f:b', 'f:c']
  for (const id of ids) await world.create(id)
  world.provision.save('board', {
    panels: [panel('named', { ids: ['f:a'] }), panel('prefix', { prefix: 'f:' }, { type: 'line' })],
  })
  const port = await freePort()
  let update = await world.startUpdateProcess(port)
  const pages = Array.from({ length: 3 }, () => world.show(() => update.url, 'board'))
  const open = () => pages.every((page) => page.state() === 'live')
  await until('the pages', open)

  let going = true
  let sent = 0
  const expected = new Map(ids.map((id) => [id, 0]))
  const load = Array.from({ length: 3 }, async (_, worker) => {
    while (going) {
      const [id, amount] = [ids[(sent + worker) % ids.length] ?? '', 1 + (sent % 5)]
      await world.incrementSurely(id, amount)
      expected.set(id, (expected.get(id) ?? 0) + amount)
      sent++
    }
  })
  /** More has been counted since. */
  const some = async () => {
    const from = sent
    await until('increments', () => sent > from + 50)
  }

  await some()
  await update.kill()
  await some()
  update = await world.startUpdateProcess(port)
  await until('the pages again', () => pages.every((page) => page.opened() > 1))
  await some()
  world.provision.state.away = true
  await world.replica.kill('SIGKILL')
  await some()
  await world.replica.restart()
  world.provision.state.away = false
  await world.cache.kill('SIGKILL')
  await some()
  await world.cache.restart()
  // The value store is the bus here.
  await world.primary.kill('SIGKILL')
  await until('the pages to say so', () => pages.every((page) => page.state() !== 'live'))
  await world.primary.restart()
  await some()
  await until('the pages live', open)
  await some()
  going = false
  await Promise.all(load)

  for (const [id, value] of expected)
    for (const page of pages) await until(`${id} to be ${value}`, () => page.value(id) === value)
  expect(pages.flatMap((page) => page.faults)).toEqual([])
}, 120_000)
