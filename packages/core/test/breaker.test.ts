import { Unavailable } from '@count/core/away'
import { type Breaker, openBreaker } from '@count/core/breaker'
import { testRedis } from '@count/stack/testing'
import { until } from '@count/stack/until'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'

const log = pino({ level: 'silent' })
const opened: Breaker[] = []
afterEach(() => {
  for (const breaker of opened.splice(0)) breaker.close()
})

function breakerWith(probe: () => Promise<unknown>) {
  const breaker = openBreaker({
    name: 'the test store',
    timeoutMs: 30,
    probe,
    isAway: (error) => error instanceof RangeError,
    log,
  })
  opened.push(breaker)
  return breaker
}
const never = () => new Promise<never>(() => {})

test('passes on what a call resolves or rejects with', async () => {
  const breaker = breakerWith(never)
  expect(await breaker.run(async () => 7)).toBe(7)
  await expect(breaker.run(() => Promise.reject(new Error('no such thing')))).rejects.toThrow('no such thing')
  expect(breaker.closed()).toBe(true)
})

test('gives a silent store up in time and asks it nothing more', async () => {
  const breaker = breakerWith(never)
  const start = performance.now()
  await expect(breaker.run(never)).rejects.toThrow(Unavailable)
  expect(performance.now() - start).toBeLessThan(1000)
  let asked = 0
  await expect(breaker.run(async () => asked++)).rejects.toThrow(Unavailable)
  expect(asked).toBe(0)
})

test('opens for an error that says the store is away', async () => {
  const breaker = breakerWith(never)
  await expect(breaker.run(() => Promise.reject(new RangeError('gone')))).rejects.toThrow('gone')
  expect(breaker.closed()).toBe(false)
})

test('closes when a probe is answered', async () => {
  let answers = false
  const breaker = breakerWith(async () => {
    if (!answers) throw new Error('not yet')
  })
  await breaker.run(never).catch(() => {})
  expect(breaker.closed()).toBe(false)
  answers = true
  await until('the breaker to close', () => breaker.closed())
  expect(await breaker.run(async () => 7)).toBe(7)
})

test('a stall of this process is not held against the store', async () => {
  const server = await testRedis()
  const redis = new Redis(server.url, { protocol: 2 })
  try {
    await redis.ping()
    const breaker = breakerWith(never)
    await server.pause()
    const answer = breaker.run(() => redis.ping())
    setImmediate(() => {
      void server.resume()
      const end = performance.now() + 200
      while (performance.now() < end);
    })
    expect(await answer).toBe('PONG')
    expect(breaker.closed()).toBe(true)
  } finally {
    redis.disconnect()
    await server.stop()
  }
})
