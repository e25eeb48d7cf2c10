import { chmod, chown, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KafkaServer, startKafka } from '@count/stack/kafka-server'
import { freePort } from '@count/stack/ports'
import { type RedisServer, startRedis } from '@count/stack/redis-server'
import { type TestDatabases, testDatabases } from '@count/stack/testing'
import { until } from '@count/stack/until'
import { pino } from 'pino'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigError, readConfig, valueStoreSettings } from '../src/config.ts'
import { openEventBus } from '../src/event-bus.ts'
import { type CountEvent, changeEvent } from '../src/events.ts'
import { connectPostgres } from '../src/postgres.ts'
import { connectRedis, untilReady } from '../src/redis.ts'

const log = pino({ level: 'silent' })
let dir: string
/** PEM files: what the servers show, what signed it, and what signed something else. */
let cert: string
let key: string
let stranger: string

/** A certificate that signs itself, of 127.0.0.1 or another name. */
async function certificate(name?: string) {
  const altNames = [
    name === undefined ? { type: 7 as const, ip: '127.0.0.1' } : { type: 2 as const, value: name },
  ]
  const { cert, private: key } = await generate([{ name: 'commonName', value: name ?? '127.0.0.1' }], {
    keySize: 2048,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames },
    ],
  })
  return { cert, key }
}

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(dir, name), text, { mode: 0o600 })
  return join(dir, name)
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tls-'))
  // PostgreSQL, another user when we are root, passes through.
  await chmod(dir, 0o711)
  const own = await certificate()
  cert = await file('server.pem', own.cert)
  key = await file('server.key', own.key)
  stranger = await file('stranger.pem', (await certificate()).cert)
})
afterAll(() => rm(dir, { recursive: true, force: true }))

describe('Redis', () => {
  let server: RedisServer
  let port: number
  const started = (certFile: string, keyFile: string) =>
    startRedis({
      persistence: 'none',
      password: 'a secret',
      args: [
        '--tls-port',
        String(port),
        '--tls-cert-file',
        certFile,
        '--tls-key-file',
        keyFile,
        '--tls-auth-clients',
        'no',
      ],
    })
  beforeAll(async () => {
    port = await freePort()
    server = await started(cert, key)
  })
  afterAll(() => server.stop())

  const address = (ca?: string, to = port) =>
    `rediss://:${encodeURIComponent('a secret')}@127.0.0.1:${to}${ca ? `?ca=${encodeURIComponent(ca)}` : ''}`
  async function answer(url: string): Promise<string> {
    const redis = connectRedis(url, { name: 'test', log })
    const refused = new Promise<string>((resolve) => {
      redis.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })
    try {
      return await Promise.race([untilReady(redis, 10_000).then(() => redis.ping()), refused])
    } finally {
      redis.disconnect()
    }
  }

  test('answers over TLS when its certificate is signed by the CA of the address', async () => {
    expect(await answer(address(cert))).toBe('PONG')
  })

  test('is refused when another CA, or none that is known, would have to have signed it', async () => {
    expect(await answer(address(stranger))).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY/)
    expect(await answer(address())).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY/)
  })

  test('is refused when its certificate is of another host', async () => {
    const other = await certificate('redis.example')
    const [otherCert, otherKey] = [await file('other.pem', other.cert), await file('other.key', other.key)]
    const elsewhere = await freePort()
    const before = port
    port = elsewhere
    const impostor = await started(otherCert, otherKey)
    port = before
    try {
      expect(await answer(address(otherCert, elsewhere))).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    } finally {
      await impostor.stop()
    }
  })

  test('a CA file that is renewed is believed from the next connection on', async () => {
    const ca = await file('renewed.pem', await readFile(stranger, 'utf8'))
    const redis = connectRedis(address(ca), { name: 'test', log })
    try {
      await new Promise((resolve) => redis.once('error', resolve))
      await rename(await file('next.pem', await readFile(cert, 'utf8')), ca)
      await untilReady(redis, 10_000)
      expect(await redis.ping()).toBe('PONG')
    } finally {
      redis.disconnect()
    }
  })

  test('a CA file that cannot be read stops the start with one message', () => {
    const read = () =>
      readConfig(z.object(valueStoreSettings), { VALUE_REDIS_URL: address('/nowhere/ca.pem') })
    expect(read).toThrow(ConfigError)
    expect(read).toThrow('VALUE_REDIS_URL names a ca that is not a file that can be read')
  })
})

describe('PostgreSQL', () => {
  let databases: TestDatabases
  beforeAll(async () => {
    databases = await testDatabases()
    const superuser = connectPostgres(databases.superuserUrl, { name: 'tls', max: 1 })
    const [data] = await superuser<{ data: string }[]>`select current_setting('data_directory') as data`
    const { uid, gid } = await stat(data?.data ?? '')
    const files = {
      ssl_cert_file: await file('pg.pem', await readFile(cert, 'utf8')),
      ssl_key_file: await file('pg.key', await readFile(key, 'utf8')),
    }
    for (const [setting, path] of Object.entries(files)) {
      await chown(path, uid, gid)
      await superuser.unsafe(`alter system set ${setting} = '${path}'`)
    }
    await superuser.unsafe('alter system set ssl = on')
    await superuser`select pg_reload_conf()`
    await until('TLS', async () => {
      const [row] = await superuser<{ ssl: string }[]>`select current_setting('ssl') as ssl`
      return row?.ssl === 'on'
    })
    await superuser.end()
  })
  afterAll(async () => {
    const superuser = connectPostgres(databases.superuserUrl, { name: 'tls', max: 1 })
    for (const setting of ['ssl', 'ssl_cert_file', 'ssl_key_file'])
      await superuser.unsafe(`alter system reset ${setting}`)
    await superuser`select pg_reload_conf()`
    await superuser.end()
    await databases.drop()
  })

  async function encrypted(root: string): Promise<boolean> {
    const url = new URL(databases.INFO_DATABASE_URL)
    url.searchParams.set('sslmode', 'verify-full')
    url.searchParams.set('sslrootcert', root)
    const sql = connectPostgres(url.href, { name: 'tls', max: 1 })
    try {
      const [row] = await sql<{ ssl: boolean }[]>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
      return row?.ssl === true
    } finally {
      await sql.end({ timeout: 1 })
    }
  }

  test('answers over TLS when its certificate is signed by the root of the address', async () => {
    expect(await encrypted(cert)).toBe(true)
  })

  test('is refused when another root would have to have signed it', async () => {
    await expect(encrypted(stranger)).rejects.toThrow(/self.signed|unable to verify/)
  })
})

describe('Kafka', () => {
  let server: KafkaServer
  let port: number
  beforeAll(async () => {
    port = await freePort()
    const [certText, keyText] = [await readFile(cert, 'utf8'), await readFile(key, 'utf8')]
    server = await startKafka({
      secure: { port, cert: certText, key: keyText, users: { count: 'pass-word' } },
    })
  })
  afterAll(() => server?.stop())

  const bus = (settings: Record<string, string>) =>
    openEventBus({
      KAFKA_BROKERS: `127.0.0.1:${port}`,
      KAFKA_SASL_MECHANISM: 'plain',
      EVENT_PARTITIONS: 1,
      EVENT_RETENTION: 3600,
      stream: {
        primary: () => {
          throw new Error('there is Kafka')
        },
        refresh: async () => {},
      },
      log,
      name: 'tls',
      ...settings,
    })
  const account = { KAFKA_USERNAME: 'count', KAFKA_PASSWORD: 'pass-word' }

  test('carries events over TLS and SASL', async () => {
    const secure = bus({ ...account, KAFKA_TLS: cert })
    const seen: CountEvent[] = []
    await secure.subscribe({}, (events) => void seen.push(...events))
    const event = changeEvent('test', {
      id: 'a',
      value: 1,
      delta: 1,
      operations: 1,
      fromVersion: 1,
      version: 2,
    })
    await secure.publish([event])
    await until('the event', () => seen.length > 0)
    expect(seen).toEqual([event])
    await secure.close()
  })

  test.each([
    ['a broker that another CA would have to have signed', () => ({ ...account, KAFKA_TLS: stranger })],
    ['a wrong password', () => ({ ...account, KAFKA_PASSWORD: 'wrong', KAFKA_TLS: cert })],
  ])('%s is refused', async (_, settings) => {
    const refused = bus(settings())
    const event = changeEvent('test', {
      id: 'a',
      value: 2,
      delta: 1,
      operations: 1,
      fromVersion: 2,
      version: 3,
    })
    await expect(refused.publish([event])).rejects.toThrow()
    expect(refused.healthy()).toBe(false)
    await refused.close()
  })
})
