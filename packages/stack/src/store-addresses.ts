/** Each store's own variable, and those that come with it: given together with it or not at all. */
const COMPANIONS = {
  VALUE_REDIS_URL: [],
  VALUE_REPLICA_REDIS_URL: [],
  CACHE_REDIS_URL: [],
  INFO_DATABASE_URL: ['INFO_REPLICA_DATABASE_URL', 'INFO_MIGRATION_URL'],
  ARCHIVE_DATABASE_URL: ['ARCHIVE_MIGRATION_URL'],
  DASHBOARD_DATABASE_URL: ['DASHBOARD_MIGRATION_URL'],
  KAFKA_BROKERS: [],
} as const

type Own = keyof typeof COMPANIONS
export type StoreVariable = Own | (typeof COMPANIONS)[Own][number]
export type StoreAddresses = Partial<Record<StoreVariable, string>>
export type Environment = Record<string, string | undefined>

/** The addresses that the environment gives. */
export function givenAddresses(env: Environment): StoreAddresses {
  return pick(env, (own) => Boolean(env[own]))
}

/** From the addresses that our own PostgreSQL offers, those of databases that the environment does not give. */
export function missingDatabases(offered: StoreAddresses, given: StoreAddresses): StoreAddresses {
  return pick(offered, (own) => !given[own])
}

function pick(from: Environment, wanted: (own: Own) => boolean): StoreAddresses {
  const owns = (Object.keys(COMPANIONS) as Own[]).filter(wanted)
  const variables = owns.flatMap((own) => [own, ...COMPANIONS[own]])
  return Object.fromEntries(variables.flatMap((name) => (from[name] ? [[name, from[name]]] : [])))
}
