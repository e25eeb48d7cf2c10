import { randomUUID } from 'node:crypto'
import { deploymentKeys, shardKeys, shardOf } from '@count/core/keys'
import { askRedis, redisInfo } from '@count/stack/redis-command'
import { until } from '@count/stack/until'
import { z } from 'zod'
import { expectBody, forEach, openClient } from '../../client.ts'
import { number } from '../../table.ts'
import { limitTarget, type Section } from '../report.ts'
import { valueStoreOf, type World } from '../world.ts'

const counts = 100_000
const perBatch = 500
const most = 250

/** What a count takes of the value store's memory. */
export async function bytes(world: World): Promise<Section> {
  const server = await world.server()
  const store = valueStoreOf(server)
  const ask = (...command: [string, ...string[]]) => askRedis(store, ...command)
  const shards = Number(await ask('HGET', '{s0}:settings', 'shards'))
  const info = async (field: string) => Number(await redisInfo(store, 'memory', field))
  const usage = async (key: string) => Number(await ask('MEMORY', 'USAGE', key, 'SAMPLES', '0'))
  /** What the counts take: buffers of connections, replicas and log come and go, and the stream is the embedded event bus. */
  const used = async () => {
    const buffers = ['mem_clients_normal', 'mem_total_replication_buffers', 'mem_aof_buffer'].map(info)
    const others = await Promise.all([...buffers, usage(deploymentKeys.events)])
    return others.reduce((rest, size) => rest - size, await info('used_memory'))
  }

  /** Both queues of every shard, and what is being drained, are empty. */
  async function drained(): Promise<boolean> {
    for (let shard = 0; shard < shards; shard++) {
      const { dirty, changes } = shardKeys(shard)
      const keys = [dirty.queue, dirty.claimed, changes.queue, changes.claimed]
      if (Number(await ask('EXISTS', ...keys)) > 0) return false
    }
    return true
  }
  const settle = () => until('the queues to drain', drained, { deadlineMs: 300_000, everyMs: 200 })

  await settle()
  const empty = await used()
  const ids = await world.counts('bench:', counts)
  const never = (await used()) - empty
  const sample = ids[Math.floor(ids.length / 2)] ?? ''
  const keys = shardKeys(shardOf(sample, shards))
  const recordNever = await usage(keys.count(sample))

  await writeEach(server.url, server.apiKey, ids)
  await settle()
  const written = (await used()) - empty
  const recordWritten = await usage(keys.count(sample))
  const kept = await keptAnswers(ask)
  const keptEach = kept === undefined ? undefined : (await usage(kept)) / Number(await ask('HLEN', kept))

  return {
    title: 'Memory',
    text: `Bytes in the value store for each of ${number(counts)} counts: \`MEMORY USAGE\` of the record, and what \`used_memory\` grew by, with the
key table, per count. Written: one increment under an idempotency key each, whose answer is kept an hour (${keptEach === undefined ? 'none was found' : `${number(keptEach)} bytes`}).`,
    headers: ['', 'record', 'used_memory'],
    rows: [
      ['never written', number(recordNever), number(never / counts)],
      ['written once under a key', number(recordWritten), number(written / counts)],
    ],
    targets: [limitTarget('a count that was never written', never / counts, most, 'bytes')],
  }
}

/** One increment of each, in batches whose items bear keys of their own. */
async function writeEach(url: string, apiKey: string, ids: string[]): Promise<void> {
  const client = openClient(url, { connections: 8 })
  const run = randomUUID()
  const headers = { authorization: `Bearer ${apiKey}` }
  const results = z.object({ results: z.array(z.object({ status: z.literal(200) })) })
  const batches = Array.from({ length: Math.ceil(ids.length / perBatch) }, (_, n) =>
    ids.slice(n * perBatch, (n + 1) * perBatch),
  )
  await forEach(batches, 8, async (batch) => {
    const operations = batch.map((id) => ({ id, op: 'increment', idempotencyKey: `${run}-${id}` }))
    expectBody(
      await client.send({ method: 'POST', path: '/api/v1/counts/batch', headers, body: { operations } }),
      [200],
      results,
    )
  })
  await client.close()
}

/** A hash that keeps idempotent answers. */
async function keptAnswers(
  ask: (...command: [string, ...string[]]) => Promise<string>,
): Promise<string | undefined> {
  for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
    const [next = '0', ...keys] = (await ask('SCAN', cursor, 'MATCH', '*:idem:*', 'COUNT', '1000')).split(',')
    const found = keys.find((key) => key !== '')
    if (found) return found
    cursor = next
  }
  return undefined
}
