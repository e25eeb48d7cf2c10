import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createModel, type Model } from './model.ts'
import * as calls from './script-calls.ts'
import { type Dump, engines, type ScriptShard, scriptStore } from './script-store.ts'

/** In a summer of New York that ends three days later, seen from there. */
const start = calls.at('2031-10-30T03:58:30Z')
const offsets = { offset: -14_400, changesAt: Date.parse('2031-11-02T06:00:00Z') / 1000, next: -18_000 }
/** Far below 2^53, where versions would stop being exact. */
const end = 8e15

const id = fc.constantFrom('a', 'b', 'c')
const small = fc.integer({ min: -4, max: 6 })
const amount = fc.oneof(
  { weight: 6, arbitrary: small },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 52 - 1, 2 ** 52 - 2, 2 ** 51) },
)
const bound = fc.oneof(
  { weight: 2, arbitrary: fc.constant<''>('') },
  { weight: 1, arbitrary: fc.integer({ min: -9, max: 9 }) },
)
const info = fc.record({
  id,
  status: fc.oneof(
    { weight: 4, arbitrary: fc.constant('active' as const) },
    { weight: 1, arbitrary: fc.constantFrom('paused' as const, 'archived' as const) },
  ),
  min: bound,
  max: bound,
  /** Which life and which revision: the present one, the one that would be next, or one long past. */
  life: fc.constantFrom('this', 'this', 'next', 'last'),
  revision: fc.constantFrom('next', 'next', 'this', 'last'),
})
/** A set names the present version, or another. */
const operation = fc.record({
  id,
  kind: fc.constantFrom(0 as const, 0 as const, 1 as const, 2 as const),
  amount,
  present: fc.boolean(),
})
const request = fc.record({
  operations: fc.array(operation, { maxLength: 4 }),
  key: fc.option(fc.constantFrom('k1', 'k2', 'k3', 'k4'), { nil: undefined }),
  content: fc.constantFrom('', 'c', 'd'),
  final: fc.boolean(),
})
const queue = fc.constantFrom('changes' as const, 'dirty' as const)
const drainer = fc.constantFrom('x', 'y')
const ago = fc.oneof(
  fc.integer({ min: 0, max: 7_200 }),
  fc.integer({ min: 0, max: 172_800 }),
  fc.integer({ min: 0, max: 300 * 86_400 }),
)
const rows = fc.array(fc.tuple(ago, small), { minLength: 1, maxLength: 5 })
const second = 1000
const hour = 3600 * second
const day = 24 * hour

const command = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('apply' as const),
      requests: fc.array(request, { minLength: 1, maxLength: 5 }),
      again: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      info,
      value: fc.integer({ min: -9, max: 9 }),
      restore: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('update' as const), info }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), info }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('claim' as const), queue, drainer }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('renew' as const, 'ack' as const, 'ack' as const),
      queue,
      drainer,
      behind: fc.constantFrom(0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), queue }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.oneof(
        fc.constantFrom(
          59 * second,
          60 * second,
          hour,
          49 * hour,
          50 * hour,
          51 * hour,
          day,
          89 * day,
          92 * day,
          3744 * day,
        ),
        fc.integer({ min: 1, max: 2 * hour }),
        fc.integer({ min: 1, max: 3 * day }),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('import' as const),
      block: fc.integer({ min: 1, max: 9 }),
      counts: fc.uniqueArray(fc.record({ id, rows, stale: fc.integer({ min: 0, max: 4 }) }), {
        minLength: 1,
        maxLength: 3,
        selector: (one) => one.id,
      }),
    }),
  },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

describe.each(engines)('the scripts on $name', ({ start: engine }) => {
  const store = scriptStore(engine)

  test('do what the plain model does, whatever is asked of them', async () => {
    const runs = fc.asyncProperty(fc.array(command, { minLength: 100, maxLength: 100 }), async (commands) => {
      const shard = await store.shard()
      const model = createModel(start - 1, offsets)
      await calls.setClock(shard, start)
      const run = runner(shard, model)
      for (const one of commands) {
        const [actual, expected] = await run(one)
        const [seen, meant] = [observe(await shard.dump(), model), model.state()]
        // A tenth of what expect takes, which then tells the difference.
        if (isDeepStrictEqual([actual, seen], [expected, meant])) continue
        expect(actual).toEqual(expected)
        expect(seen).toEqual(meant)
      }
    })
    await fc.assert(runs, { numRuns: 60, interruptAfterTimeLimit: 120_000, markInterruptAsFailure: true })
  }, 300_000)
})

/** Runs a command on store and model; what either answered. */
function runner(shard: ScriptShard, model: Model) {
  let sequence = 0
  let number = 0

  /** What CountInfoDB would send: revisions are of one sequence, a life is named by its first. */
  function known({
    id,
    status,
    min,
    max,
    life,
    revision,
  }: (Command & { do: 'update' })['info']): Required<calls.Info> {
    const present = model.live.get(id) ?? model.gone.get(id)
    const next = ++sequence
    const created =
      { this: present?.created ?? next, next, last: Math.max(1, (present?.created ?? 2) - 1) }[life] ?? next
    const revised = {
      next,
      this: present?.revision ?? next,
      last: Math.max(created, (present?.revision ?? 2) - 1),
    }[revision]
    return { id, status, min, max, created, revision: Math.max(created, revised ?? next) }
  }

  async function applied({ requests, again }: Command & { do: 'apply' }): Promise<[unknown, unknown]> {
    const asked = requests.map(({ operations, ...rest }) => ({
      ...rest,
      operations: operations.map(({ id, kind, amount, present }): calls.Op => {
        const version = (model.live.get(id)?.version ?? 1) - (present ? 0 : 1)
        return kind === 2 ? { id, kind, amount, version } : { id, kind, amount }
      }),
    }))
    number++
    const call = (options: calls.ApplyOptions) =>
      calls.apply(shard, asked, { writer: 'w', offsets, ...options })
    const first = await call({ number })
    const expected: unknown[] = ['done', model.apply(asked)]
    const actual: unknown[] = [first.word, first.answers]
    if (again) {
      actual.push(
        (await call({ number })).answers,
        (await call({ number: number - 1 })).word,
        (await call({ number, writer: 'late', deadline: 1 })).word,
      )
      expected.push(expected[1], 'stale', 'late')
    }
    return [actual, expected]
  }

  return async (one: Command): Promise<[unknown, unknown]> => {
    switch (one.do) {
      case 'apply':
        return applied(one)
      case 'create': {
        const count = known(one.info)
        const reply = await calls.create(shard, count, one)
        return [reply, model.create(count, one.value, one.restore)]
      }
      case 'update': {
        const count = known(one.info)
        return [await calls.update(shard, count), model.update(count)]
      }
      case 'remove': {
        const count = known(one.info)
        return [await calls.remove(shard, count), model.remove(count)]
      }
      case 'claim':
        return [await calls.claim(shard, one.queue, one.drainer), model.claim(one.queue, one.drainer)]
      case 'renew':
      case 'ack': {
        const claimed = model.state().leases[one.queue].number - one.behind
        const script = one.do === 'ack' ? calls.ack : calls.renew
        const reply = await script(shard, one.queue, one.drainer, `${claimed}`)
        return [reply, model[one.do](one.queue, one.drainer, claimed)]
      }
      case 'expire':
        if (model.state().leases[one.queue].held)
          await shard.redis.hset(shard.keys[one.queue].lease, 'until', '1')
        return [model.expire(one.queue), undefined]
      case 'pass':
        if (model.clock() + one.ms * 1000 < end) {
          model.pass(one.ms)
          await shard.redis.set(shard.keys.clock, String(model.clock()))
        }
        return [undefined, undefined]
      case 'import': {
        const counts = one.counts.map(({ id, rows, stale }) => ({
          id,
          created: (model.live.get(id)?.created ?? 1) + (stale === 4 ? 1 : 0),
          rows: rows.map(([secondsAgo, delta]): [number, number] => [
            model.clock() - secondsAgo * 1e6,
            delta,
          ]),
        }))
        const reply = await calls.importHistory(shard, 'job', one.block, counts, offsets)
        return [reply, model.importHistory('job', one.block, counts)]
      }
    }
  }
}

/** What the keys of a shard say, in the model's terms. */
function observe(dump: Dump, model: Model): ReturnType<Model['state']> {
  const text = (name: string) => String(dump[name]?.[0] ?? '0')
  const hash = (name: string) => (dump[name]?.[0] ?? {}) as { [field: string]: string }
  const within = (buckets: calls.Buckets) =>
    Object.fromEntries(Object.entries(buckets).filter(([name]) => model.keeps(name)))
  const bound = (written: string | undefined): number | '' =>
    written === '' || written === undefined ? '' : Number(written)
  const statuses = { a: 'active', p: 'paused', x: 'archived' } as const

  const records = (place: string, history: string) => {
    const names = Object.keys(dump).filter((name) => name.startsWith(place))
    return Object.fromEntries(
      names.map((name) => {
        const id = name.slice(place.length)
        const { v, t, l, u, s, r, c, o } = hash(name)
        const status = statuses[s as keyof typeof statuses]
        const changes = within(calls.readBuckets(hash(history + id), o))
        const numbers = { value: Number(v), version: Number(t), revision: Number(r), created: Number(c) }
        return [id, { ...numbers, min: bound(l), max: bound(u), status, changes }]
      }),
    )
  }
  const changes = (name: string) =>
    Object.fromEntries(
      Object.entries(hash(name)).map(([entry, said]) => {
        const [from, delta, operations, value, version] = said.split(' ').map(Number) as [
          number,
          number,
          number,
          number,
          number,
        ]
        return [entry, { from, delta, operations, value, version }]
      }),
    )
  const numbers = (name: string) =>
    Object.fromEntries(Object.entries(hash(name)).map(([entry, said]) => [entry, Number(said)]))
  const lease = (name: string) => {
    const { holder = '', number = '0', until = '0' } = hash(name)
    return { holder, number: Number(number), held: Number(until) > 1 }
  }
  return {
    clock: Number(text('clock')),
    revision: Number(text('revision')),
    live: records('count:', 'history:'),
    gone: records('gone:', 'gone-history:'),
    changes: changes('changes'),
    changesClaimed: changes('changes:claimed'),
    dirty: numbers('dirty'),
    dirtyClaimed: numbers('dirty:claimed'),
    leases: { changes: lease('changes:lease'), dirty: lease('dirty:lease') },
  }
}
