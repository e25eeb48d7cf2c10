// npm run env: writes .env for compose.yaml, with secrets of its own. An .env that is there is left as it is.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createApiKey } from '../packages/core/src/api-keys.ts'

const secret = () => randomBytes(24).toString('hex')
const secrets = [
  'SERVICE_TOKEN',
  'VALUE_PASSWORD',
  'CACHE_PASSWORD',
  'POSTGRES_PASSWORD',
  'INFO_OWNER_PASSWORD',
  'INFO_SERVICE_PASSWORD',
  'INFO_READER_PASSWORD',
  'ARCHIVE_OWNER_PASSWORD',
  'ARCHIVE_SERVICE_PASSWORD',
  'DASHBOARD_OWNER_PASSWORD',
  'DASHBOARD_SERVICE_PASSWORD',
]

const file = join(import.meta.dirname, '../.env')
const lines = [
  '# Where the gateway is reached.',
  `COUNT_HOST=${process.env.COUNT_HOST || 'localhost'}`,
  `COUNT_PORT=${process.env.COUNT_PORT || '8443'}`,
  '# The first administrator and the first API key.',
  `ADMIN_USERNAME=${process.env.ADMIN_USERNAME || 'admin'}`,
  `ADMIN_PASSWORD=${process.env.ADMIN_PASSWORD || secret()}`,
  `API_KEY=${createApiKey().key}`,
  '# Known to the services and stores alone.',
  ...secrets.map((name) => `${name}=${secret()}`),
]
try {
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600, flag: 'wx' })
  console.log('.env is written; next: docker compose up')
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  console.log('.env is there already and stays as it is')
}
