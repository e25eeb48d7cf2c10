// npm run backup -- <directory>, npm run restore -- <directory> [--overwrite]: on this machine, of the stores that the environment names and
// otherwise of `npm start`. See packages/backup.
import { readFile } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { main } from '../packages/backup/src/main.ts'
import { findRedisServer } from '../packages/stack/src/binaries.ts'
import { findPostgresClients } from '../packages/stack/src/postgres-clients.ts'
import { openStack } from '../packages/stack/src/stack.ts'

const dataDir = resolve(process.env.DATA_DIR || '.data')
const log = { info: () => {}, warn: (line: string) => process.stderr.write(`${line}\n`) }

async function run(args: string[]): Promise<void> {
  const places = [await findPostgresClients(), dirname(await findRedisServer()), process.env.PATH]
  process.env.PATH = places.join(delimiter)
  if (args[0] === 'restore') {
    // The stores alone; refused while a server runs on them.
    const stack = await openStack({ dataDir, env: process.env, kafka: false, log })
    await main(args, { ...process.env, ...stack.addresses }).finally(() => stack.close())
  } else {
    const running = await readFile(join(dataDir, 'stores.json'), 'utf8').then(JSON.parse, () => ({}))
    await main(args, { ...running, ...process.env })
  }
}

process.chdir(join(import.meta.dirname, '..'))
run(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
