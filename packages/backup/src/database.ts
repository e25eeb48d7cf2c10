import { connectPostgres, type Sql } from '@count/core/postgres'
import { runTool } from './tool.ts'

/** One of libpq's tools on an address, whose password goes by the environment: no list of processes shows it. */
function client(tool: string, url: string, args: string[]): Promise<void> {
  const address = new URL(url)
  const { searchParams } = address
  const PGPASSWORD = decodeURIComponent(address.password)
  address.password = ''
  // Services then ask the CAs that Node knows; libpq by itself would look for a file in the user's home.
  const system = searchParams.get('sslmode') === 'verify-full' && !searchParams.has('sslrootcert')
  return runTool(tool, [`--dbname=${address.href}`, ...args], {
    PGPASSWORD,
    ...(system ? { PGSSLROOTCERT: 'system' } : {}),
  })
}

/** Dumps a database, read at one instant, as its owner. */
export const dumpDatabase = (url: string, file: string): Promise<void> =>
  client('pg_dump', url, ['--format=custom', `--file=${file}`])

async function asked<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connectPostgres(url, { name: 'restore', max: 1, statementTimeoutMs: 0 })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** What keeps a dump from being restored here; undefined when nothing does. */
export async function databaseFault(url: string, overwrite: boolean): Promise<string | undefined> {
  return await asked(url, async (sql) => {
    const { pathname } = new URL(url)
    const others = await sql<{ usename: string }[]>`
      select distinct usename from pg_stat_activity
      where datname = current_database() and usename is not null and pid <> pg_backend_pid()`
    if (others.length > 0)
      return `database ${pathname.slice(1)} is in use by ${others.map((one) => one.usename).join(', ')}: stop the services`
    const tables = await sql`select from pg_tables where schemaname = 'public' limit 1`
    return tables.length > 0 && !overwrite ? `database ${pathname.slice(1)} is not empty` : undefined
  })
}

/**
 * Makes a database what a dump holds, all of it or nothing: what the owner had in it goes, the dump's tables come with their rights.
 * @param url of the owner
 * @param service the role whose default privileges would otherwise be added to the tables' own
 */
export async function restoreDatabase(url: string, service: string, file: string): Promise<void> {
  await asked(url, async (sql) => {
    const things = await sql<{ drop: string }[]>`
      select format('table if exists %I cascade', tablename) as drop from pg_tables where schemaname = 'public'
      union all select format('sequence if exists %I', sequencename) from pg_sequences where schemaname = 'public'
      union all select format('routine if exists %s', oid::regprocedure) from pg_proc
        where pronamespace = 'public'::regnamespace and proowner = current_user::regrole`
    await sql.begin(async (tx) => {
      for (const { drop } of things) await tx.unsafe(`drop ${drop}`)
      await tx`alter default privileges in schema public revoke all on tables from ${tx(service)}`
      await tx`alter default privileges in schema public revoke all on sequences from ${tx(service)}`
    })
  })
  await client('pg_restore', url, ['--exit-on-error', '--single-transaction', '--no-comments', file])
}
