import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import { takeParameter, trustIn } from './store-tls.ts'

/** int8 is read as a number: values and versions stay below 2^53. */
const types = {
  int8: {
    to: 20,
    from: [20],
    serialize: (value: number) => String(value),
    parse: (text: string) => Number(text),
  },
}

export type Sql = postgres.Sql<{ int8: number }>
export type TransactionSql = postgres.TransactionSql<{ int8: number }>
/** A part of a statement. */
export type Fragment = postgres.Fragment

export interface PostgresOptions {
  /** Shown in pg_stat_activity. */
  name: string
  /** Connections at most; default 10. */
  max?: number
  readOnly?: boolean
  /** Milliseconds until the server gives a statement up; 0 means never; default 10 s. */
  statementTimeoutMs?: number
  /** `custom`: each statement is planned for its own parameters; default: PostgreSQL keeps a plan for any, after some. */
  plans?: 'custom'
}

/**
 * A pool for one database. Nothing connects before the first query. While the server is away a query fails within about
 * three seconds; one that was sent and not answered fails too and is never sent again. What a frozen server holds back
 * is the caller's to bound ({@link file://./away.ts within}). The client is patched: docs/adr/0018.
 * @param url with libpq's `sslmode=verify-full` for TLS, and `sslrootcert`, the path of the CA's PEM file, where Node's own CAs
 *   do not know it. As in libpq, `require` alone verifies nothing; with a `sslrootcert` everything is verified
 */
export function connectPostgres(url: string, options: PostgresOptions): Sql {
  const [address, root] = takeParameter(url, 'sslrootcert')
  return postgres(address, {
    max: options.max ?? 10,
    connect_timeout: 3,
    // the default waits up to 20 s between attempts, and queries wait with it
    backoff: () => 0.1,
    keep_alive: 10,
    ...(root === undefined ? {} : { ssl: trustIn(root, new URL(url).hostname) }),
    onnotice: () => {},
    types,
    connection: {
      application_name: options.name,
      statement_timeout: options.statementTimeoutMs ?? 10_000,
      idle_in_transaction_session_timeout: 30_000,
      default_transaction_read_only: options.readOnly ?? false,
      TimeZone: 'UTC',
      ...(options.plans ? { plan_cache_mode: 'force_custom_plan' } : {}),
    },
  })
}

/** Any number: all processes of one database take the same one. */
const migrationLock = 7_268_101

/** How often a migration asks for its tables, a second each time: whoever comes to them meanwhile waits behind it. */
const attempts = 60
const lockNotAvailable = '55P03'

/**
 * Brings a database up to date: runs the numbered .sql files of `dir` (000001.sql …) that table `migration` does not name
 * yet, in order, each in a transaction of its own. Any number of processes may do so at once, and others may work in
 * the database. Returns what it ran.
 * @throws what a file's SQL fails with, and when others hold its tables for two minutes
 */
export async function migrate(url: string, dir: string): Promise<string[]> {
  const files = (await readdir(dir)).filter((file) => /^\d{6}.*\.sql$/.test(file)).sort()
  const sql = connectPostgres(url, { name: 'migrate', max: 1, statementTimeoutMs: 0 })
  try {
    await sql`select pg_advisory_lock(${migrationLock})`
    await sql`create table if not exists migration (name text primary key, at timestamptz not null default now())`
    const done = new Set((await sql<{ name: string }[]>`select name from migration`).map((row) => row.name))
    const missing = files.filter((file) => !done.has(file))
    for (const file of missing) {
      const text = await readFile(join(dir, file), 'utf8')
      const run = () =>
        sql.begin(async (tx) => {
          await tx`set local lock_timeout = '1s'`
          await tx.unsafe(text)
          await tx`insert into migration (name) values (${file})`
        })
      for (let attempt = 1; ; attempt++) {
        const failed = await run().then(
          () => undefined,
          (error: postgres.PostgresError) => error,
        )
        if (!failed) break
        if (failed.code !== lockNotAvailable || attempt === attempts) throw failed
        // Those that waited behind it have their turn.
        await delay(1000)
      }
    }
    return missing
  } finally {
    await sql.end({ timeout: 5 })
  }
}
