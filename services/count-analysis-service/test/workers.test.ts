import { readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { until } from '@count/stack/until'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type ChildPool, openChildPool, type PoolOptions } from '../src/child-pool.ts'
import { openWorld, type World } from './world.ts'

const pools: ChildPool[] = []
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close()
})

function open(options: Partial<PoolOptions> = {}): ChildPool {
  const pool = openChildPool({
    program: join(import.meta.dirname, 'child.ts'),
    size: 1,
    queue: 2,
    limitMs: 20_000,
    idleMs: 20_000,
    log: pino({ level: 'silent' }),
    ...options,
  })
  pools.push(pool)
  return pool
}

const never = new AbortController().signal
const echoed = z.object({ ok: z.literal(true), answer: z.object({ pid: z.int(), env: z.array(z.string()) }) })
const pidOf = async (pool: ChildPool) => echoed.parse(await pool.run({ do: 'echo' }, never)).answer.pid
const alive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('the pool', () => {
  test('starts nothing before there is work, keeps what it started, and ends it at close', async () => {
    const pool = open()
    expect(pool.pids()).toEqual([])
    const pid = await pidOf(pool)
    expect(await pidOf(pool)).toBe(pid)
    await pool.close()
    expect(alive(pid)).toBe(false)
    expect(await pool.run({ do: 'echo' }, never)).toEqual({ ok: false, why: 'cancelled' })
  })

  test('works at the lowest priority, without this process’s environment', async () => {
    const pool = open()
    const { answer } = echoed.parse(await pool.run({ do: 'echo' }, never))
    expect(getPriority(answer.pid)).toBe(19)
    // Where the kernel knows no autogroups there is nothing else that would have to step back.
    const autogroup = await readFile(`/proc/${answer.pid}/autogroup`, 'utf8').catch(() => 'nice 19')
    expect(autogroup).toContain('nice 19')
    expect(answer.env).not.toContain('PATH')
  })

  test('ends what has been idle for a while', async () => {
    const pool = open({ idleMs: 1 })
    const pid = await pidOf(pool)
    await until('the process to end', () => !alive(pid))
    expect(pool.pids()).toEqual([])
  })

  test('has as many processes as it may, and the rest of the work waits its turn', async () => {
    const pool = open({ size: 2, queue: 10 })
    const answers = Array.from({ length: 6 }, () => pool.run({ do: 'echo', ms: 20 }, never))
    expect([pool.pids().length, pool.waiting()]).toEqual([2, 4])
    const pids = (await Promise.all(answers)).map((ran) => echoed.parse(ran).answer.pid)
    expect(new Set(pids).size).toBe(2)
  })

  test('rests after a job during which this process was busy with other things, and not after another', async () => {
    const pool = open({ size: 1 })
    await pidOf(pool)
    const first = pool.run({ do: 'echo', ms: 50 }, never)
    const until = performance.now() + 100
    while (performance.now() < until);
    await first
    const second = pool.run({ do: 'echo' }, never)
    expect(pool.waiting()).toBe(1)
    await second
    await pool.run({ do: 'echo', ms: 100 }, never)
    const third = pool.run({ do: 'echo' }, never)
    expect(pool.waiting()).toBe(0)
    await third
  })

  test('refuses what does not fit the queue, and what has waited for too long', async () => {
    const pool = open({ limitMs: 300 })
    const spinning = pool.run({ do: 'spin' }, never)
    const waiting = [pool.run({ do: 'spin' }, never), pool.run({ do: 'echo' }, never)]
    expect(await pool.run({ do: 'echo' }, never)).toEqual({ ok: false, why: 'busy' })
    expect(await spinning).toEqual({ ok: false, why: 'late' })
    const outcomes = await Promise.all(waiting)
    expect(outcomes.at(-1)).toEqual({ ok: false, why: 'busy' })
  })

  test('stops a job that takes too long, and has another process for the next', async () => {
    const pool = open({ limitMs: 2000 })
    const pid = await pidOf(pool)
    expect(await pool.run({ do: 'spin' }, never)).toEqual({ ok: false, why: 'late' })
    expect(await pidOf(pool)).not.toBe(pid)
    await until('the process to end', () => !alive(pid))
  })

  test('a process that dies costs its own job alone', async () => {
    const pool = open()
    const outcomes = await Promise.all([
      pool.run({ do: 'die' }, never),
      pool.run({ do: 'echo' }, never),
      pool.run({ do: 'echo' }, never),
    ])
    expect(outcomes.map((ran) => (ran.ok ? 'done' : ran.why))).toEqual(['crashed', 'done', 'done'])
  })

  test('a cancelled job leaves the queue, or its process ends', async () => {
    const pool = open()
    const pid = await pidOf(pool)
    const [running, waiting] = [new AbortController(), new AbortController()]
    const outcomes = [pool.run({ do: 'spin' }, running.signal), pool.run({ do: 'echo' }, waiting.signal)]
    const last = pool.run({ do: 'echo' }, never)
    waiting.abort()
    expect(await outcomes[1]).toEqual({ ok: false, why: 'cancelled' })
    expect(pool.waiting()).toBe(1)
    running.abort()
    expect(await outcomes[0]).toEqual({ ok: false, why: 'cancelled' })
    await until('the process to end', () => !alive(pid))
    expect(await last).toMatchObject({ ok: true })
    expect(await pool.run({ do: 'echo' }, AbortSignal.abort())).toEqual({ ok: false, why: 'cancelled' })
  })
})

describe('the service', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld({
      program: join(import.meta.dirname, 'faulty-analysis.ts'),
      size: 1,
      queue: 1,
      limitMs: 8000,
    })
    // What the process does is told by the count's name.
    for (const name of ['die', 'throw', 'spin']) await world.createCount(name)
    await world.replicated()
  })
  afterAll(() => world.close())

  const asked = async (name: string) => {
    const { status, body, headers } = await world.ask(`trend?count=${name}&granularity=day`)
    return [status, body.type, headers.get('retry-after')]
  }
  const metric = async (name: string) => {
    const text = await (await fetch(`${world.url}/metrics`)).text()
    return Number(text.match(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm'))?.[1])
  }

  test('answers for a process that dies, fails or takes too long', { timeout: 60_000 }, async () => {
    expect(await asked('die')).toEqual([500, 'urn:count:problem:internal', null])
    expect(await asked('throw')).toEqual([500, 'urn:count:problem:internal', null])
    expect(await asked('spin')).toEqual([503, 'urn:count:problem:took-too-long', '1'])
    expect(await metric('analysis_duration_seconds_count')).toBe(1)
  })

  test('refuses what is too much, and ends the job of a client that leaves', {
    timeout: 60_000,
  }, async () => {
    const call = () => {
      const request = get(`${world.url}/api/v1/analysis/trend?count=spin&granularity=day`, {
        headers: world.viewer,
      })
      request.on('error', () => {})
      return request
    }
    const clients = [call(), call()]
    await until('one to wait', async () => (await metric('analysis_queue_length')) === 1)
    expect(await asked('spin')).toEqual([503, 'urn:count:problem:too-busy', '1'])
    for (const client of clients) client.destroy()
    await until('both to be cancelled', async () => (await metric('analysis_cancelled_total')) === 2)
    expect(await metric('analysis_queue_length')).toBe(0)
  })
})
