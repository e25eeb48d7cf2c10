import { randomBytes } from 'node:crypto'
import { cacheKeys } from '@count/core/keys'
import { callScript } from '@count/core/scripts'
import { testRedis } from '@count/stack/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

let server: Awaited<ReturnType<typeof testRedis>>
let redis: Redis
let id: string

beforeAll(async () => {
  server = await testRedis({ maxmemoryPolicy: 'allkeys-lru' })
  redis = new Redis(server.url, { protocol: 2 })
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})
beforeEach(() => {
  id = randomBytes(6).toString('hex')
})

const now = async () => {
  const [seconds, micros] = await redis.time()
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}

interface Filling {
  id?: string
  ago?: number
  revision?: number
  infoAgo?: number
  info?: string
  version?: number
  valueAgo?: number
  created?: number | ''
  value?: number | ''
  result?: string
}

async function fill(...fillings: Filling[]) {
  const at = await now()
  const keys = fillings.flatMap((filling) => Object.values(cacheKeys(filling.id ?? id)))
  const args = fillings.flatMap(
    ({
      ago = 0,
      revision = 0,
      infoAgo = 0,
      info = '',
      version = 0,
      valueAgo = 0,
      created = '',
      value = '',
      result = '',
    }) => [at - ago, revision, at - infoAgo, info, version, at - valueAgo, created, value, result],
  )
  return (await callScript(redis, 'cache_fill', keys, args)) as string[]
}

const whole = (version: number, revision: number, more: Filling = {}): Filling => ({
  revision,
  info: `info ${revision}`,
  version,
  created: 1,
  value: version * 10,
  result: `result ${version}.${revision}`,
  ...more,
})

const invalidate = (version: number | '', revision: number | '', of = id) =>
  callScript(redis, 'cache_invalidate', Object.values(cacheKeys(of)), [version, revision])

async function read(of = id) {
  const { info, value } = cacheKeys(of)
  const [at, [revision, readAt, json, fence], entry] = (await callScript(
    redis,
    'cache_read',
    [info, value],
    [],
  )) as [number, (string | null)[], string | null]
  return { at, revision, readAt: Number(readAt), json, fence, entry }
}

const result = (of = id) => redis.get(cacheKeys(of).result)

async function everything() {
  const keys = Object.values(cacheKeys(id))
  return Promise.all(keys.map(async (key) => [await redis.dumpBuffer(key), await redis.pttl(key)]))
}

describe('cache_fill', () => {
  test('keeps info, value and result, each for its time', async () => {
    expect(await fill(whole(10, 3))).toEqual(['info value result'])
    expect(await result()).toBe('10.3 result 10.3')
    const { at, revision, readAt, json, fence, entry } = await read()
    expect({ revision, json, fence }).toEqual({ revision: '3', json: 'info 3', fence: null })
    expect(entry).toBe(`10 1 100 ${readAt}`)
    expect(at - readAt).toBeLessThan(1000)
    const keys = cacheKeys(id)
    const [info, value, whole_] = await Promise.all([
      redis.pttl(keys.info),
      redis.pttl(keys.value),
      redis.pttl(keys.result),
    ])
    expect(info).toBeGreaterThan(86_390_000)
    for (const life of [value, whole_]) {
      expect(life).toBeGreaterThan(28_000)
      expect(life).toBeLessThanOrEqual(30_000)
    }
  })

  test('takes many counts in one call and says what it wrote of each', async () => {
    const other = `${id}-other`
    await invalidate(20, '', other)
    const levels = await fill(whole(10, 3), whole(10, 3, { id: other }), {
      id: `${id}-third`,
      revision: 1,
      info: 'i',
    })
    expect(levels).toEqual(['info value result', 'info', 'info'])
  })

  test('keeps nothing that was looked for more than five seconds ago', async () => {
    expect(await fill(whole(10, 3, { ago: 5500 }))).toEqual(['late'])
    expect((await read()).entry).toBeNull()
    expect(await fill(whole(10, 3, { ago: 4000 }))).toEqual(['info value result'])
  })

  test('counts the thirty seconds from the reading, the older of the two for a result', async () => {
    await fill(whole(10, 3, { infoAgo: 20_000, valueAgo: 12_000 }))
    const keys = cacheKeys(id)
    const value = await redis.pttl(keys.value)
    expect(value).toBeGreaterThan(16_000)
    expect(value).toBeLessThanOrEqual(18_000)
    const answer = await redis.pttl(keys.result)
    expect(answer).toBeGreaterThan(8_000)
    expect(answer).toBeLessThanOrEqual(10_000)
  })

  test('makes no result of readings that have had their thirty seconds', async () => {
    expect(await fill(whole(10, 3, { infoAgo: 31_000 }))).toEqual(['info value'])
    expect(await fill(whole(10, 3, { valueAgo: 31_000, value: '' }))).toEqual(['info'])
    expect(await result()).toBeNull()
  })

  test('a reading dated ahead of the clock lives no longer than any other', async () => {
    await fill(whole(10, 3, { valueAgo: -60_000, infoAgo: -60_000 }))
    expect(await redis.pttl(cacheKeys(id).result)).toBeLessThanOrEqual(30_000)
  })

  test('makes a result of entries that came from the cache without writing them again', async () => {
    await fill(whole(10, 3, { result: '' }))
    expect(await fill(whole(10, 3, { info: '', created: '', value: '' }))).toEqual(['result'])
  })

  test.each([
    ['an older value', whole(9, 3), 'info'],
    ['an older info', whole(10, 2), 'value'],
    ['the same again', whole(10, 3), 'info value result'],
    ['a newer value', whole(11, 3), 'info value result'],
    ['a newer info', whole(10, 4), 'info value result'],
    ['a newer value with an older info', whole(11, 2), 'value'],
  ])('over an entry, of %s it keeps what is not older', async (_, filling, levels) => {
    await fill(whole(10, 3))
    expect(await fill(filling)).toEqual([levels])
    expect(await result()).toBe(
      levels.includes('result')
        ? `${filling.version}.${filling.revision} ${filling.result}`
        : '10.3 result 10.3',
    )
  })

  test('never puts back what a tombstone outdates', async () => {
    await invalidate(12, 5)
    expect(await fill(whole(11, 5))).toEqual(['info'])
    expect(await fill(whole(12, 4))).toEqual(['value'])
    expect(await result()).toBeNull()
    expect(await fill(whole(12, 5))).toEqual(['info value result'])
  })

  test('does not put an older result over one whose info and value were evicted', async () => {
    await fill(whole(10, 3))
    await redis.del(cacheKeys(id).info, cacheKeys(id).value)
    expect(await fill(whole(9, 3, { info: '', value: '' }))).toEqual([''])
    expect(await fill(whole(10, 2, { info: '', value: '' }))).toEqual([''])
    expect(await result()).toBe('10.3 result 10.3')
  })

  test('compares versions as numbers, not as text', async () => {
    await fill(whole(999_999_999_999_999, 9))
    expect(await fill(whole(1_763_900_000_000_000, 10))).toEqual(['info value result'])
    expect(await fill(whole(1_763_900_000_000_001, 10))).toEqual(['info value result'])
    expect(await fill(whole(1_763_900_000_000_000, 10))).toEqual(['info'])
  })

  test('of a hundred fills racing with invalidations, nothing older than the last word stays', async () => {
    const calls = Array.from({ length: 100 }, (_, i) => i + 1).sort(() => Math.random() - 0.5)
    await Promise.all(
      calls.map((version) => (version % 2 ? fill(whole(version, version)) : invalidate(version, version))),
    )
    const { entry, fence } = await read()
    expect(Number(entry?.split(' ')[0])).toBe(100)
    expect(Number(fence)).toBe(100)
    expect(await result()).toBeNull()
    expect(await fill(whole(99, 100), whole(100, 99), whole(100, 100))).toEqual([
      'info',
      'value',
      'info value result',
    ])
  })

  test.each([
    ['too few arguments', 3, ['1', '2']],
    ['no keys', 0, []],
    ['keys of half a count', 2, Array(9).fill('1')],
    ['a version that is no number', 3, ['1', '1', '1', 'i', 'x', '1', '1', '1', 'r']],
  ])('a call with %s writes nothing', async (_, keys, args) => {
    await fill(whole(10, 3))
    const before = await everything()
    await expect(
      callScript(redis, 'cache_fill', Object.values(cacheKeys(id)).slice(0, keys), args),
    ).rejects.toThrow('BAD_ARG')
    expect((await everything()).map(([dump]) => dump)).toEqual(before.map(([dump]) => dump))
  })
})

describe('cache_invalidate', () => {
  test('drops value and result of an older version and leaves a tombstone for a minute', async () => {
    await fill(whole(10, 3))
    expect(await invalidate(11, '')).toEqual(['invalidated', 2])
    expect(await result()).toBeNull()
    const { entry, json, fence } = await read()
    expect({ entry, json, fence }).toEqual({ entry: '11', json: 'info 3', fence: null })
    const life = await redis.pttl(cacheKeys(id).value)
    expect(life).toBeGreaterThan(58_000)
    expect(life).toBeLessThanOrEqual(60_000)
  })

  test('keeps an outdated info readable behind its fence, and the value', async () => {
    await fill(whole(10, 3))
    expect(await invalidate('', 4)).toEqual(['invalidated', 2])
    expect(await result()).toBeNull()
    const { entry, revision, json, fence } = await read()
    expect({ revision, json, fence }).toEqual({ revision: '3', json: 'info 3', fence: '4' })
    expect(entry).toMatch(/^10 1 100 /)
    expect(await redis.pttl(cacheKeys(id).info)).toBeGreaterThan(86_000_000)
  })

  test('fences a count that the cache does not hold, for a minute', async () => {
    expect(await invalidate(11, 4)).toEqual(['invalidated', 0])
    expect(await read()).toMatchObject({ entry: '11', json: null, fence: '4' })
    expect(await redis.pttl(cacheKeys(id).info)).toBeLessThanOrEqual(60_000)
  })

  test('a fence ends after its minute', async () => {
    await invalidate('', 4)
    await redis.hset(cacheKeys(id).info, 'u', (await now()) - 1)
    expect((await read()).fence).toBeNull()
    expect(await fill(whole(10, 3))).toEqual(['info value result'])
  })

  test('leaves what is as new or newer', async () => {
    await fill(whole(10, 3))
    const before = await everything()
    expect(await invalidate(10, 3)).toEqual(['invalidated', 0])
    expect(await invalidate(9, 2)).toEqual(['invalidated', 0])
    expect((await everything()).map(([dump]) => dump)).toEqual(before.map(([dump]) => dump))
  })

  test('repeating it drops nothing, and an earlier one that comes late takes nothing back', async () => {
    await fill(whole(10, 3))
    await invalidate(12, 5)
    expect(await invalidate(12, 5)).toEqual(['invalidated', 0])
    expect(await invalidate(11, 4)).toEqual(['invalidated', 0])
    expect(await read()).toMatchObject({ entry: '12', fence: '5' })
  })

  test('takes many counts in one call', async () => {
    const other = `${id}-other`
    await fill(whole(10, 3), whole(20, 4, { id: other }))
    const keys = [...Object.values(cacheKeys(id)), ...Object.values(cacheKeys(other))]
    expect(await callScript(redis, 'cache_invalidate', keys, [11, '', '', 5])).toEqual(['invalidated', 4])
  })

  test.each([
    ['too few arguments', 3, ['1']],
    ['no keys', 0, []],
    ['a version that is no number', 3, ['x', '1']],
  ])('a call with %s writes nothing', async (_, keys, args) => {
    await fill(whole(10, 3))
    const before = await everything()
    await expect(
      callScript(redis, 'cache_invalidate', Object.values(cacheKeys(id)).slice(0, keys), args),
    ).rejects.toThrow('BAD_ARG')
    expect((await everything()).map(([dump]) => dump)).toEqual(before.map(([dump]) => dump))
  })
})

describe('cache_read', () => {
  test('answers misses with the time alone', async () => {
    const at = await now()
    const { at: told, ...rest } = await read()
    expect(told).toBeGreaterThanOrEqual(at)
    expect(rest).toEqual({ revision: null, readAt: 0, json: null, fence: null, entry: null })
  })

  test('answers many counts in order', async () => {
    await fill(whole(10, 3), whole(20, 4, { id: `${id}-b` }))
    const keys = [`${id}-b`, `${id}-none`, id].flatMap((one) => [cacheKeys(one).info, cacheKeys(one).value])
    const [, , second, , none, , first] = (await callScript(redis, 'cache_read', keys, [])) as string[]
    expect(second).toMatch(/^20 /)
    expect(none).toBeNull()
    expect(first).toMatch(/^10 /)
  })

  test.each([[0], [1]])('a call with %d keys is refused', async (keys) => {
    await expect(
      callScript(redis, 'cache_read', Object.values(cacheKeys(id)).slice(0, keys), []),
    ).rejects.toThrow('BAD_ARG')
  })
})
