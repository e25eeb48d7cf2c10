import { randomUUID } from 'node:crypto'
import type { AlertCondition, AlertRule } from '@count/core/alerts'
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

function addRule(count: string, condition: AlertCondition, more: Partial<AlertRule> = {}): string {
  const id = randomUUID()
  const rule: AlertRule = {
    id,
    name: `Rule on ${count}`,
    count,
    condition,
    revision: 1,
    state: 'closed',
    since: null,
    version: null,
    value: null,
    ...more,
  }
  world.provision.state.rules = [...world.provision.state.rules, rule]
  return id
}
const told = (rule: string) =>
  world.provision.state.transitions
    .filter((transition) => transition.rule === rule)
    .map(({ state, value }) => [state, value])
const isTold = (rule: string, ...expected: unknown[]) =>
  until(`${rule} to tell ${JSON.stringify(expected)}, not ${JSON.stringify(told(rule))}`, () => {
    return JSON.stringify(told(rule)) === JSON.stringify(expected)
  })

test('an alert opens above, stays through its hysteresis, closes below, and is shown meanwhile', async () => {
  await world.create('hot')
  world.provision.save('hot-board', { panels: [panel('value', { ids: ['hot'] })] })
  const rule = addRule('hot', { kind: 'above', at: 10, hysteresis: 2 })
  const watcher = await world.open(server, 'hot-board')
  await until('the rule', () =>
    watcher.events.some(
      (event) =>
        (event.name === 'alert' || event.name === 'snapshot') &&
        'alerts' in event.data &&
        event.data.alerts.length === 1,
    ),
  )
  await world.increment('hot', 10)
  await watcher.shows('hot', 10)
  await world.increment('hot', 1)
  await isTold(rule, ['open', 11])
  const open = await watcher.next('alert', ({ alerts }) => alerts[0]?.state === 'open')
  expect(open.data.alerts).toMatchObject([{ rule, count: 'hot', name: 'Rule on hot', value: 11 }])
  await world.send('POST', '/api/v1/counts/hot/decrement', { amount: 2 })
  await watcher.shows('hot', 9)
  await world.send('POST', '/api/v1/counts/hot/decrement', { amount: 1 })
  await isTold(rule, ['open', 11], ['closed', 8])
  await watcher.next('alert', ({ alerts }) => alerts[0]?.state === 'closed' && alerts[0].value === 8)
})

test('the values at the start are judged, and what provision could not be told is told when it is back', async () => {
  await world.create('low', { initialValue: 3 })
  const rule = addRule('low', { kind: 'below', at: 5, hysteresis: 0 })
  await isTold(rule, ['open', 3])
  world.provision.state.away = true
  await world.increment('low', 4)
  const server = await world.startUpdate()
  world.provision.state.away = false
  await isTold(rule, ['open', 3], ['closed', 7])
  await server.stop()
})

test('several processes that judge the same tell one transition', async () => {
  const others = await Promise.all([world.startUpdate(), world.startUpdate()])
  await world.create('many')
  const rule = addRule('many', { kind: 'above', at: 5, hysteresis: 0 })
  await world.increment('many', 6)
  await isTold(rule, ['open', 6])
  await world.send('POST', '/api/v1/counts/many/decrement', { amount: 6 })
  await isTold(rule, ['open', 6], ['closed', 0])
  await Promise.all(others.map((other) => other.stop()))
  expect(told(rule)).toEqual([
    ['open', 6],
    ['closed', 0],
  ])
})

test('a rule on changes opens, and closes by time alone', async () => {
  await world.create('jumpy')
  const rule = addRule('jumpy', { kind: 'changes', by: 5, withinS: 10, direction: 'any', hysteresis: 0 })
  await world.increment('jumpy', 3)
  await world.increment('jumpy', 4)
  await isTold(rule, ['open', 7])
  await isTold(rule, ['open', 7], ['closed', 7])
})

test('another revision of a rule is judged anew, and a removed one no more', async () => {
  await world.create('revised', { initialValue: 20 })
  const rule = addRule('revised', { kind: 'above', at: 100, hysteresis: 0 })
  await world.increment('revised')
  world.provision.state.rules = world.provision.state.rules.map((one) =>
    one.id === rule ? { ...one, revision: 2, condition: { kind: 'above', at: 20, hysteresis: 0 } } : one,
  )
  await isTold(rule, ['open', 21])
  world.provision.state.rules = world.provision.state.rules.filter(({ id }) => id !== rule)
  world.provision.save('revised-board', { panels: [panel('value', { ids: ['revised'] })] })
  const watcher = await world.open(server, 'revised-board')
  await until('the rule to be gone', () => {
    const last = watcher.events.findLast(({ name }) => name === 'alert' || name === 'snapshot')
    return last && 'alerts' in last.data && last.data.alerts.length === 0
  })
})
