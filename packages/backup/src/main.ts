// node packages/backup/src/main.ts backup <directory> | restore <directory> [--overwrite]
import { parseArgs } from 'node:util'
import { readConfig } from '@count/core/config'
import { backUp, restore } from './backup.ts'
import { storeSettings } from './settings.ts'

const usage = `backup <directory>                  backs every store up, while services run
restore <directory> [--overwrite]   restores a backup into empty stores, or into stores whose content may go; no service may run
The stores are those of the services' variables: VALUE_REDIS_URL, CACHE_REDIS_URL, {INFO,ARCHIVE,DASHBOARD}_DATABASE_URL and
_MIGRATION_URL; with POSTGRES_URL, of a superuser, restore makes databases and roles that are missing.`

/** @throws when the stores' variables or the arguments are wrong, or the work fails */
export async function main(args: string[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { overwrite: { type: 'boolean', default: false } },
  })
  const [verb, dir, ...more] = positionals
  if (!dir || more.length > 0 || !(verb === 'backup' || verb === 'restore')) throw new Error(usage)
  const stores = readConfig(storeSettings, env)
  if (verb === 'backup') await backUp(stores, dir)
  else await restore(stores, dir, values)
  console.log(verb === 'backup' ? `${dir} holds a complete backup` : `${dir} is restored: start the services`)
}

if (import.meta.main)
  main(process.argv.slice(2)).catch((error: Error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
