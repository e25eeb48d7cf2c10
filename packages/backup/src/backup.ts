import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createDatabases, passwordsOf } from '@count/core/databases'
import { databaseFault, dumpDatabase, restoreDatabase } from './database.ts'
import { readManifest, writeManifest } from './manifest.ts'
import { databasesOf, type Stores } from './settings.ts'
import { dumpValueStore, emptyRedis, restoreValueStore, valueStoreFault } from './value-store.ts'

/**
 * Backs every store up into a directory, while services run. The value store goes first, then the archive, then CountInfoDB: recovery
 * brings an older value store up to a younger archive and younger metadata, never the other way round.
 * @param to made when missing, empty
 * @throws with what went wrong; then the directory has no manifest, and is no backup
 */
export async function backUp(stores: Stores, to: string): Promise<void> {
  const begun = new Date()
  const dir = resolve(to)
  // Hashes of passwords, the key of sessions and every webhook's secret are in it.
  await mkdir(dir, { recursive: true, mode: 0o700 })
  if ((await readdir(dir)).length > 0)
    throw new Error(`${dir} is not empty: a backup gets a directory of its own`)
  const before = process.umask(0o077)
  try {
    const names = await dumpValueStore(stores.VALUE_REDIS_URL, dir)
    for (const { owner, file } of databasesOf(stores)) {
      await dumpDatabase(owner, join(dir, file))
      names.push(file)
    }
    await writeManifest(dir, begun, names)
  } finally {
    process.umask(before)
  }
}

/**
 * Restores a backup into stores that no service uses; services that are started afterwards recover the value store before its first write.
 * @param overwrite whether stores may hold something, which is then lost
 * @throws before anything is changed when the backup is not complete, or a store is in use or holds something
 */
export async function restore(stores: Stores, from: string, { overwrite = false } = {}): Promise<void> {
  const dir = resolve(from)
  const names = await readManifest(dir)
  const snapshots = names.filter((name) => name.endsWith('.rdb')).map((name) => join(dir, name))
  const databases = databasesOf(stores)
  if (stores.POSTGRES_URL) await createDatabases(stores.POSTGRES_URL, { passwords: passwordsOf(stores) })
  const found = await Promise.all([
    valueStoreFault(stores.VALUE_REDIS_URL, overwrite),
    ...databases.map(({ owner }) => databaseFault(owner, overwrite)),
  ])
  const faults = found.filter((fault) => fault !== undefined)
  if (faults.length > 0) throw new Error(faults.join('\n'))
  await emptyRedis(stores.CACHE_REDIS_URL)
  await emptyRedis(stores.VALUE_REDIS_URL)
  for (const { owner, service, file } of databases)
    await restoreDatabase(owner, new URL(service).username, join(dir, file))
  await restoreValueStore(stores.VALUE_REDIS_URL, snapshots)
}
