import { writeFileSync, existsSync } from 'node:fs'
import { test } from 'vitest'
import { fastify } from 'fastify'
import { createApiKey } from '@count/core/api-keys'
import { readConfig } from '@count/core/config'
import { createContext, listen } from '@count/core/service'
import { openReadingStores } from '../../../packages/core/test/reading-stores.ts'
import { openRead } from '../src/app.ts'
import { readSettings } from '../src/config.ts'
import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

test('bench', async () => {
  const stores = await openReadingStores()
  const { id, key, hash } = createApiKey()
  await stores.sql`insert into api_key (id, name, secret_hash, scopes, prefixes) values (${id}, 'test', ${hash}, '{counts:read}', null)`
  for (let i = 0; i < 100; i++) await stores.create(`bench${i}`, { tags: ['a', 'b'] })
  writeFileSync('/tmp/h4/env.json', JSON.stringify({ key, ids: Array.from({ length: 100 }, (_, i) => `bench${i}`), env: {
    CACHE_REDIS_URL: stores.cacheServer.url, VALUE_REDIS_URL: stores.primaryServer.url, TIME_ZONE: 'UTC',
    INFO_DATABASE_URL: stores.databases.INFO_REPLICA_DATABASE_URL, SERVICE_TOKEN: 'a-service-token-of-the-tests', LOG_LEVEL: 'warn', HOST: '127.0.0.1', PORT: '18099' } }))
  while (!existsSync('/tmp/h4/done')) await delay(200)
  await stores.close()
}, 600_000)
