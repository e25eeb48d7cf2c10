import { randomBytes } from 'node:crypto'
import postgres from 'postgres'

/** One database: who owns and migrates it, who serves from it, who else may read what migrations grant. */
const DATABASES = {
  count_info: { variable: 'INFO', owner: 'info_owner', service: 'info_service', reader: 'info_reader' },
  count_archive: {
    variable: 'ARCHIVE',
    owner: 'archive_owner',
    service: 'archive_service',
    reader: undefined,
  },
  dashboard_config: {
    variable: 'DASHBOARD',
    owner: 'dashboard_owner',
    service: 'dashboard_service',
    reader: undefined,
  },
} as const

export const DATABASE_NAMES = Object.keys(DATABASES) as (keyof typeof DATABASES)[]

const ROLES = [
  'info_owner',
  'info_service',
  'info_reader',
  'archive_owner',
  'archive_service',
  'dashboard_owner',
  'dashboard_service',
] as const

export type Passwords = Record<(typeof ROLES)[number], string>

export type DatabaseUrls = {
  INFO_DATABASE_URL: string
  INFO_REPLICA_DATABASE_URL: string
  INFO_MIGRATION_URL: string
  ARCHIVE_DATABASE_URL: string
  ARCHIVE_MIGRATION_URL: string
  DASHBOARD_DATABASE_URL: string
  DASHBOARD_MIGRATION_URL: string
}

type Sql = postgres.Sql

/** The role behind each address. */
const roleOf = {
  INFO_DATABASE_URL: 'info_service',
  INFO_REPLICA_DATABASE_URL: 'info_reader',
  INFO_MIGRATION_URL: 'info_owner',
  ARCHIVE_DATABASE_URL: 'archive_service',
  ARCHIVE_MIGRATION_URL: 'archive_owner',
  DASHBOARD_DATABASE_URL: 'dashboard_service',
  DASHBOARD_MIGRATION_URL: 'dashboard_owner',
} as const satisfies Record<keyof DatabaseUrls, keyof Passwords>

/**
 * The passwords in addresses that were chosen beforehand, to create their roles with.
 * @throws when an address is missing or names another role
 */
export function passwordsOf(urls: Partial<Record<keyof DatabaseUrls, string>>): Passwords {
  const passwords: Partial<Passwords> = {}
  for (const [variable, role] of Object.entries(roleOf) as [keyof DatabaseUrls, keyof Passwords][]) {
    const url = URL.parse(urls[variable] ?? '')
    if (url?.username !== role || !url.password)
      throw new Error(`${variable} must be of the role ${role}, with its password`)
    passwords[role] = decodeURIComponent(url.password)
  }
  return passwords as Passwords
}

/** A random password for each role, to be kept by the caller and given again the next time. */
export function randomPasswords(): Passwords {
  return Object.fromEntries(ROLES.map((role) => [role, randomBytes(24).toString('hex')])) as Passwords
}

/**
 * Creates the roles, then the databases count_info, count_archive and dashboard_config (each name followed by
 * `suffix`), each closed to all but its own roles. Repeatable: what is there is brought to the same state, data kept.
 * @param passwords of the roles, which are one set for all suffixes
 * @returns the address of each role in its database
 */
export async function createDatabases(
  superuserUrl: string,
  { suffix = '', passwords = randomPasswords() }: { suffix?: string; passwords?: Passwords } = {},
): Promise<DatabaseUrls> {
  await connected(superuserUrl, (sql) => createRoles(sql, passwords))
  for (const name of DATABASE_NAMES) await createDatabase(superuserUrl, name, suffix)
  return databaseUrls(superuserUrl, suffix, passwords)
}

/** The addresses of databases that `createDatabases` made or will make. */
export function databaseUrls(superuserUrl: string, suffix: string, passwords: Passwords): DatabaseUrls {
  const address = (role: keyof Passwords, database: string) => {
    const url = new URL(superuserUrl)
    url.username = role
    url.password = passwords[role]
    url.pathname = `/${database}${suffix}`
    return url.href
  }
  return {
    INFO_DATABASE_URL: address('info_service', 'count_info'),
    INFO_REPLICA_DATABASE_URL: address('info_reader', 'count_info'),
    INFO_MIGRATION_URL: address('info_owner', 'count_info'),
    ARCHIVE_DATABASE_URL: address('archive_service', 'count_archive'),
    ARCHIVE_MIGRATION_URL: address('archive_owner', 'count_archive'),
    DASHBOARD_DATABASE_URL: address('dashboard_service', 'dashboard_config'),
    DASHBOARD_MIGRATION_URL: address('dashboard_owner', 'dashboard_config'),
  }
}

/** Closes a database to everybody but its own roles. A copy of a template needs it: these rights are not copied. */
export async function closeDatabase(sql: Sql, name: keyof typeof DATABASES, suffix: string): Promise<void> {
  const { owner, service, reader } = DATABASES[name]
  const roles = [owner, service, reader].filter((role) => role !== undefined).join(', ')
  await sql.unsafe(`REVOKE ALL ON DATABASE ${name}${suffix} FROM PUBLIC;
    GRANT CONNECT ON DATABASE ${name}${suffix} TO ${roles}`)
}

export const ownerOf = (name: keyof typeof DATABASES): string => DATABASES[name].owner

async function createRoles(sql: Sql, passwords: Passwords): Promise<void> {
  for (const role of ROLES) {
    const [found] = await sql`SELECT 1 FROM pg_roles WHERE rolname = ${role}`
    // Roles and passwords cannot be parameters; both are ours, and the quotes are for a caller's own password.
    const password = passwords[role].replaceAll("'", "''")
    await sql.unsafe(`${found ? 'ALTER' : 'CREATE'} ROLE ${role} LOGIN PASSWORD '${password}'`)
  }
}

async function createDatabase(
  superuserUrl: string,
  name: keyof typeof DATABASES,
  suffix: string,
): Promise<void> {
  const { owner, service } = DATABASES[name]
  const database = `${name}${suffix}`
  await connected(superuserUrl, async (sql) => {
    const [found] = await sql`SELECT 1 FROM pg_database WHERE datname = ${database}`
    if (!found)
      await sql.unsafe(`CREATE DATABASE ${database} OWNER ${owner} TEMPLATE template0 ENCODING 'UTF8'`)
    await closeDatabase(sql, name, suffix)
  })
  const url = new URL(superuserUrl)
  url.pathname = `/${database}`
  await connected(url.href, async (sql) => {
    await sql.unsafe(`REVOKE CREATE ON SCHEMA public FROM PUBLIC;
      ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${service};
      ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA public
        GRANT USAGE, SELECT ON SEQUENCES TO ${service}`)
    if (name === 'count_info') await sql.unsafe('CREATE EXTENSION IF NOT EXISTS pg_trgm')
  })
}

/** Runs `work` on one connection of its own. */
export async function connected<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}
