import { askRedis } from './redis-command.ts'
import { type RedisServer, startRedis } from './redis-server.ts'
import { until } from './until.ts'

const SLOTS = 16_384

export type RedisCluster = {
  /** comma-separated, of every node */
  url: string
  primaries: RedisServer[]
  /** `replicas[i]` follows `primaries[i]` at first */
  replicas: RedisServer[]
  /** Awaits that every running node sees all slots served by running nodes (20 s), as after a failover. */
  healthy(): Promise<void>
  stop(): Promise<void>
}

export type ClusterOptions = {
  primaries: number
  replicas: 0 | 1
  /** default none */
  persistence?: 'always' | 'everysec' | 'none'
  maxmemoryPolicy?: string
  args?: string[]
}

/** Starts a Redis Cluster on 127.0.0.1, slots split evenly, and awaits that every node serves it. */
export async function startRedisCluster(options: ClusterOptions): Promise<RedisCluster> {
  const { persistence = 'none', maxmemoryPolicy, args } = options
  const node = () => startRedis({ persistence, maxmemoryPolicy, args, cluster: true })
  const nodes = await Promise.all(Array.from({ length: options.primaries * (1 + options.replicas) }, node))
  const primaries = nodes.slice(0, options.primaries)
  const replicas = nodes.slice(options.primaries)
  const stop = async () => {
    await Promise.all(nodes.map((one) => one.stop()))
  }
  const healthy = async () => {
    const running = nodes.filter((one) => one.running())
    const ports = new Set(running.map((one) => one.port))
    await eventually(running, 'see a whole cluster', (one) => servesAllSlots(one, ports))
  }

  try {
    await Promise.all(
      primaries.map((one, i) => askRedis(one, 'CLUSTER', 'ADDSLOTSRANGE', ...slots(i, primaries.length))),
    )
    await join(nodes)
    await Promise.all(replicas.map((one, i) => follow(one, primaries[i] as RedisServer)))
    await healthy()
  } catch (error) {
    await stop()
    throw error
  }
  return { url: nodes.map((one) => one.url).join(','), primaries, replicas, healthy, stop }
}

/** Moves a slot with its keys to the next of the primaries, as an operator does. */
export async function moveSlot(primaries: RedisServer[], slot: number): Promise<void> {
  const name = String(slot)
  const held = await Promise.all(primaries.map((node) => askRedis(node, 'CLUSTER', 'COUNTKEYSINSLOT', name)))
  const place = held.findIndex((keys) => keys !== '0')
  const [from, to] = [primaries[place], primaries[(place + 1) % primaries.length]]
  if (!from || !to) throw new Error(`no node holds keys of slot ${slot}`)
  const [fromId, toId] = [await askRedis(from, 'CLUSTER', 'MYID'), await askRedis(to, 'CLUSTER', 'MYID')]
  await askRedis(to, 'CLUSTER', 'SETSLOT', name, 'IMPORTING', fromId)
  await askRedis(from, 'CLUSTER', 'SETSLOT', name, 'MIGRATING', toId)
  for (;;) {
    const keys = await askRedis(from, 'CLUSTER', 'GETKEYSINSLOT', name, '100')
    if (keys === '') break
    await askRedis(from, 'MIGRATE', to.host, String(to.port), '', '0', '5000', 'KEYS', ...keys.split(','))
  }
  for (const node of [to, from]) await askRedis(node, 'CLUSTER', 'SETSLOT', name, 'NODE', toId)
}

const slots = (i: number, of: number) => [
  String(Math.floor((SLOTS * i) / of)),
  String(Math.floor((SLOTS * (i + 1)) / of) - 1),
]

/** Makes every node know every other. */
async function join(nodes: RedisServer[]): Promise<void> {
  const [first, ...rest] = nodes as [RedisServer, ...RedisServer[]]
  // Different epochs from the start, else nodes settle collisions among themselves for seconds.
  await Promise.all(nodes.map((one, i) => askRedis(one, 'CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))))
  const meeting = ['CLUSTER', 'MEET', first.host, String(first.port), await busPort(first)] as const
  await Promise.all(rest.map((one) => askRedis(one, ...meeting)))
  await eventually(nodes, 'meet the others', async (one) => (await peers(one)).length === nodes.length)
}

const busPort = async (one: RedisServer) =>
  String((await askRedis(one, 'CONFIG', 'GET', 'cluster-port')).split(',')[1])

async function follow(replica: RedisServer, primary: RedisServer): Promise<void> {
  await askRedis(replica, 'CLUSTER', 'REPLICATE', await askRedis(primary, 'CLUSTER', 'MYID'))
  await replica.linked()
}

async function servesAllSlots(one: RedisServer, running: Set<number>): Promise<boolean> {
  const info = await askRedis(one, 'CLUSTER', 'INFO')
  const owners = (await peers(one)).filter((peer) => peer.slots)
  return info.includes('cluster_state:ok') && owners.every((owner) => running.has(owner.port))
}

/** The nodes that this one knows, itself included. */
async function peers(one: RedisServer): Promise<{ port: number; slots: string }[]> {
  const lines = (await askRedis(one, 'CLUSTER', 'NODES')).trim().split('\n')
  return lines.map((line) => {
    const [, address = '', , , , , , , ...slots] = line.split(' ')
    return { port: Number(address.match(/:(\d+)@/)?.[1]), slots: slots.join(' ') }
  })
}

async function eventually(
  nodes: RedisServer[],
  what: string,
  condition: (one: RedisServer) => Promise<boolean>,
) {
  const each = nodes.map((one) =>
    until(`${one.url} to ${what}`, () => condition(one), { deadlineMs: 20_000, everyMs: 50 }),
  )
  await Promise.all(each)
}
