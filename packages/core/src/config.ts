import { accessSync, constants } from 'node:fs'
import { z } from 'zod'

/** Thrown by {@link readConfig}; the message lists every fault, one line each. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

const text = z.string('is missing')
const whole = (min: number, max: number) =>
  text
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be between ${min} and ${max}`)

const url = (...protocols: string[]) =>
  text.refine(
    (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol),
    `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  )

/** The CA file that an address names is there. */
const caReadable = (name: string) => (addresses: string) =>
  addresses.split(',').every((address) => {
    const file = URL.parse(address.trim())?.searchParams.get(name)
    return !file || isReadable(file)
  })

/** One address, or several with commas (a Cluster); only the first needs the scheme. */
const redisUrl = text
  .refine(
    (value) =>
      value.split(',').every((node, i) => {
        const address = i > 0 && !node.includes('://') ? `redis://${node.trim()}` : node.trim()
        return URL.canParse(address) && /^rediss?:$/.test(new URL(address).protocol)
      }),
    'must be redis://host:port, or several of them with commas',
  )
  .refine(caReadable('ca'), 'names a ca that is not a file that can be read')

const postgresUrl = url('postgres:', 'postgresql:').refine(
  caReadable('sslrootcert'),
  'names a sslrootcert that is not a file that can be read',
)

const readable = text.refine(isReadable, 'is not a file that can be read')

const isZone = (zone: string) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** The bearer of service-to-service calls, at least 16 characters; `required` where /internal is served or called. */
export const serviceToken = text.regex(/^[\x21-\x7e]{16,}$/, 'must be at least 16 visible ASCII characters')

/** What every server needs. `TLS_CERT` and `TLS_KEY` are paths of PEM files and come together. */
export const serverSettings = {
  HOST: text.default('0.0.0.0'),
  PORT: whole(0, 65535).default(8080),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  TLS_CERT: readable.optional(),
  TLS_KEY: readable.optional(),
  PUBLIC_URL: url('http:', 'https:')
    .transform((value) => value.replace(/\/+$/, ''))
    .optional(),
  SERVICE_TOKEN: serviceToken.optional(),
  /** How many proxies in front may be believed about the client's address. */
  TRUST_PROXY: whole(0, 10).default(0),
  /** A collector of traces, by OTLP over HTTP; absent: nothing is told. */
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http:', 'https:')
    .transform((value) => value.replace(/\/+$/, ''))
    .optional(),
  /** Of the traces that begin here, how many are told: 0 to 1, all when absent. */
  OTEL_TRACES_SAMPLER_ARG: text
    .regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'must be a number from 0 to 1')
    .transform(Number)
    .optional(),
}

export const valueStoreSettings = {
  VALUE_REDIS_URL: redisUrl,
  VALUE_REPLICA_REDIS_URL: redisUrl.optional(),
  /** Absent: what the store records. */
  SHARDS: whole(1, 16384).optional(),
  /** Absent: what the store records; UTC at first. */
  TIME_ZONE: text.refine(isZone, 'must be an IANA time zone').optional(),
  VALUE_ACK: z.enum(['local', 'replica']).default('local'),
  /** Seconds. */
  IDEMPOTENCY_TTL: whole(1, 30 * 86_400).default(3600),
}

export const cacheSettings = { CACHE_REDIS_URL: redisUrl }

/** The migration address, of the owner, defaults to the service's own. */
export const infoSettings = {
  INFO_DATABASE_URL: postgresUrl,
  INFO_REPLICA_DATABASE_URL: postgresUrl.optional(),
  INFO_MIGRATION_URL: postgresUrl.optional(),
}

export const archiveSettings = {
  ARCHIVE_DATABASE_URL: postgresUrl,
  ARCHIVE_MIGRATION_URL: postgresUrl.optional(),
}

export const dashboardSettings = {
  DASHBOARD_DATABASE_URL: postgresUrl,
  DASHBOARD_MIGRATION_URL: postgresUrl.optional(),
}

export const busSettings = {
  /** `host:port`, several with commas; absent: a Redis Stream on the value store is the bus. */
  KAFKA_BROKERS: text
    .regex(/^[^\s,:]+:\d+(\s*,\s*[^\s,:]+:\d+)*$/, 'must be host:port, or several with commas')
    .optional(),
  /** TLS to the brokers: `true` with the CAs that Node knows, or the path of a CA's PEM file. */
  KAFKA_TLS: z.union([z.literal('true'), readable], 'must be true, or a file that can be read').optional(),
  KAFKA_SASL_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).default('scram-sha-512'),
  KAFKA_USERNAME: text.optional(),
  KAFKA_PASSWORD: text.optional(),
  EVENT_PARTITIONS: whole(1, 1000).default(12),
  /** Seconds. */
  EVENT_RETENTION: whole(60, 365 * 86_400).default(7 * 86_400),
}

/** Address of another service. */
export const serviceUrl = url('http:', 'https:').transform((value) => value.replace(/\/+$/, ''))

const server = z.object(serverSettings)
export type ServerConfig = z.output<typeof server>

/**
 * Reads a service's settings from the environment. An empty variable counts as absent, an unknown one is ignored.
 * Throws {@link ConfigError} with every fault at once.
 */
export function readConfig<C>(schema: z.ZodObject & z.ZodType<C>, env: NodeJS.ProcessEnv = process.env): C {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
  const parsed = schema.safeParse(given)
  const faults = parsed.error?.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`) ?? []
  for (const [one, other] of [
    ['TLS_CERT', 'TLS_KEY'],
    ['TLS_KEY', 'TLS_CERT'],
    ['KAFKA_USERNAME', 'KAFKA_PASSWORD'],
    ['KAFKA_PASSWORD', 'KAFKA_USERNAME'],
  ] as const) {
    if (one in schema.shape && given[one] && !given[other])
      faults.push(`${other} is missing: ${one} needs it`)
  }
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults.join('\n'))
  return parsed.data
}
