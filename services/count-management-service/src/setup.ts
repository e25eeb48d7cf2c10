import { createDatabases, passwordsOf } from '@count/core/databases'
import { connectPostgres } from '@count/core/postgres'
import { migrateInfo } from './app.ts'
import { ensureAdministrator, ensureApiKey } from './first-start.ts'

/**
 * What a deployment needs once before its services start, and what changes nothing when it is repeated: the databases with their
 * roles, CountInfoDB's tables, the first administrator and the first API key.
 *
 *     POSTGRES_URL                     of a superuser
 *     <DATABASE>_DATABASE_URL …        the addresses that the services get; roles are given the passwords in them
 *     ADMIN_USERNAME, ADMIN_PASSWORD   of the first administrator
 *     API_KEY                          the first key, `ck_…`
 */
async function setUp(env: NodeJS.ProcessEnv): Promise<void> {
  const { POSTGRES_URL, INFO_DATABASE_URL, INFO_MIGRATION_URL, ADMIN_USERNAME, ADMIN_PASSWORD, API_KEY } = env
  if (!POSTGRES_URL || !INFO_DATABASE_URL || !ADMIN_PASSWORD || !API_KEY)
    throw new Error('POSTGRES_URL, INFO_DATABASE_URL, ADMIN_PASSWORD and API_KEY are needed')
  await createDatabases(POSTGRES_URL, { passwords: passwordsOf(env) })
  await migrateInfo({ INFO_DATABASE_URL, INFO_MIGRATION_URL })
  const sql = connectPostgres(INFO_DATABASE_URL, { name: 'setup', max: 1 })
  try {
    const admin = await ensureAdministrator(sql, { username: ADMIN_USERNAME, password: ADMIN_PASSWORD })
    const key = await ensureApiKey(sql, API_KEY)
    console.log(
      `databases ready; ${admin ? `administrator ${admin.username} created` : 'an administrator is there'}; ${key ? 'API key created' : 'an API key is there'}`,
    )
  } finally {
    await sql.end()
  }
}

setUp(process.env).catch((error: Error) => {
  process.stderr.write(`setup: ${error.message}\n`)
  process.exit(1)
})
