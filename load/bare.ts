import { protect } from '@count/core/access'
import type { ApiKey, KeyAuthenticator } from '@count/core/api-keys'
import type { CountReader } from '@count/core/count-reader'
import type { Operation, Outcome } from '@count/core/group-commit'
import { keyAccess } from '@count/core/key-access'
import { shardOf } from '@count/core/keys'
import type { CountView } from '@count/core/schemas'
import { createContext, serve } from '@count/core/service'
import { countRoute } from 'count-read-service/routes/count'
import type { CountWriter } from 'count-write-service/count-writer'
import { batchRoute } from 'count-write-service/routes/batch'
import { changeRoutes } from 'count-write-service/routes/change'

/**
 * What Fastify alone can do here: the services' own routes, schemas, hooks and key check, with no store behind them. Run as
 * a process of its own with PORT and BARE_KEY, the key that is let in.
 */
const shards = 4
const header = `Bearer ${process.env.BARE_KEY}`
const key: ApiKey = {
  id: 'bare',
  name: 'bare',
  scopes: ['counts:read', 'counts:write'],
  prefixes: null,
  expiresAt: null,
  rateLimit: null,
}

const authenticator: KeyAuthenticator = {
  peek: (given) => (given === header ? key : undefined),
  authenticate: async () => ({ ok: false, problem: 'unauthorized' }),
  takeUses: () => new Map(),
  healthy: () => true,
  close: async () => {},
}

let version = Date.now() * 1000
const answer = (operation: Operation): Outcome => {
  version++
  return { word: 'ok', value: version, version, delta: operation.amount, replayed: false }
}

const writer: CountWriter = {
  writeOne: async (operation) => answer(operation),
  write: async (requests) => requests.map(({ operations }) => operations.map(answer)),
  claim: async () => true,
}

const notMeasured = async (): Promise<never> => {
  throw new Error('not part of the measurement')
}

const view: Omit<CountView, 'id'> = {
  name: 'Benchmark count 0000000',
  unit: '',
  tags: ['bench'],
  value: 1234,
  version,
  updatedAt: new Date().toISOString(),
}

const reader: CountReader = {
  read: async (id) => ({ ok: true, tag: `${version}.1`, json: JSON.stringify({ id, ...view }) }),
  readMany: notMeasured,
  infos: notMeasured,
  list: notMeasured,
  history: notMeasured,
  pasts: notMeasured,
  records: notMeasured,
  close() {},
}

await serve(
  { HOST: '127.0.0.1', PORT: Number(process.env.PORT), LOG_LEVEL: 'warn', TRUST_PROXY: 0 },
  createContext('bare', 'warn'),
  [
    {
      name: 'bare',
      checks: [],
      plugin: async (app) => {
        protect(app, { key: keyAccess(authenticator) })
        await app.register(changeRoutes(writer))
        await app.register(batchRoute(writer, (id) => shardOf(id, shards)))
        await app.register(countRoute(reader))
      },
      close: async () => {},
    },
  ],
)
