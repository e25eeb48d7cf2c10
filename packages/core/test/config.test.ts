import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  busSettings,
  ConfigError,
  infoSettings,
  readConfig,
  serverSettings,
  serviceToken,
  valueStoreSettings,
} from '../src/config.ts'

const schema = z.object({ ...serverSettings, ...valueStoreSettings, ...infoSettings, ...busSettings })
const least = { VALUE_REDIS_URL: 'redis://store:6379', INFO_DATABASE_URL: 'postgres://u:p@db/info' }

const faultsOf = (env: NodeJS.ProcessEnv, of: Parameters<typeof readConfig>[0] = schema) => {
  try {
    readConfig(of, env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n').sort()
    throw error
  }
  return []
}

describe('settings', () => {
  test('have defaults for all that a small deployment need not say', () => {
    expect(readConfig(schema, least)).toMatchObject({
      ...least,
      HOST: '0.0.0.0',
      PORT: 8080,
      LOG_LEVEL: 'info',
      VALUE_ACK: 'local',
      IDEMPOTENCY_TTL: 3600,
      EVENT_PARTITIONS: 12,
      EVENT_RETENTION: 604_800,
    })
  })

  test('treat an empty variable as an absent one', () => {
    expect(readConfig(schema, { ...least, PORT: '', SHARDS: ' ', KAFKA_BROKERS: '' })).toMatchObject({
      PORT: 8080,
    })
    expect(faultsOf({ ...least, VALUE_REDIS_URL: '' })).toEqual(['VALUE_REDIS_URL is missing'])
  })

  test('tell every fault at once, one line each', () => {
    const env = {
      VALUE_REDIS_URL: 'store:6379',
      PORT: '80a',
      SHARDS: '0',
      TIME_ZONE: 'Asia/Nowhere',
      VALUE_ACK: 'maybe',
      PUBLIC_URL: 'ftp://host',
      KAFKA_BROKERS: 'kafka',
      LOG_LEVEL: 'loud',
    }
    expect(faultsOf(env).map((line) => line.split(' ')[0])).toEqual(
      [...Object.keys(env), 'INFO_DATABASE_URL'].sort(),
    )
  })

  test('do not take a number apart', () => {
    for (const PORT of ['1e3', '0x10', '-1', '1.5', '65536'])
      expect(faultsOf({ ...least, PORT })).toHaveLength(1)
    expect(readConfig(schema, { ...least, PORT: '0' }).PORT).toBe(0)
  })

  test('take several addresses as a cluster, a scheme on the first being enough', () => {
    const urls = ['rediss://a:1,b:2', 'redis://:secret@a:1,redis://:secret@b:2', 'redis://a:1, b:2']
    for (const VALUE_REDIS_URL of urls) expect(faultsOf({ ...least, VALUE_REDIS_URL })).toEqual([])
    expect(faultsOf({ ...least, VALUE_REDIS_URL: 'redis://a:1,http://b:2' })).toHaveLength(1)
  })

  test('want a certificate and its key together, in files that can be read', () => {
    const file = import.meta.filename
    expect(faultsOf({ ...least, TLS_CERT: file })).toEqual(['TLS_KEY is missing: TLS_CERT needs it'])
    expect(faultsOf({ ...least, TLS_KEY: file })).toEqual(['TLS_CERT is missing: TLS_KEY needs it'])
    expect(faultsOf({ ...least, TLS_CERT: file, TLS_KEY: '/no/such/file' })).toEqual([
      'TLS_KEY is not a file that can be read',
    ])
    expect(faultsOf({ ...least, TLS_CERT: file, TLS_KEY: file })).toEqual([])
  })

  test('want a token between services that cannot be guessed', () => {
    const withToken = z.object({ SERVICE_TOKEN: serviceToken })
    expect(faultsOf({ SERVICE_TOKEN: 'short' }, withToken)).toHaveLength(1)
    expect(faultsOf({}, withToken)).toEqual(['SERVICE_TOKEN is missing'])
    expect(readConfig(withToken, { SERVICE_TOKEN: '0123456789abcdef' })).toEqual({
      SERVICE_TOKEN: '0123456789abcdef',
    })
  })
})
