import type { Sql } from '@count/core/postgres'

/** Failures that cost nothing; each further one doubles the wait, to `maxSeconds` at most. */
const free = { user: 4, address: 20 }
const maxSeconds = 300
/** After this long without another, failures are forgotten. */
const forget = '1 hour'

export interface Attempt {
  username: string
  address: string
}

const keysOf = ({ username, address }: Attempt) => [
  { key: `user:${username}`, free: free.user },
  { key: `address:${address}`, free: free.address },
]

class Blocked extends Error {
  readonly seconds: number
  constructor(seconds: number) {
    super('too many attempts')
    this.seconds = seconds
  }
}

/**
 * Limits sign-ins per account and per address, for all processes together. An attempt counts as failed before it is
 * tried, so that many at once are limited too.
 * @returns seconds to wait; 0 when the attempt may go on
 */
export async function beginAttempt(sql: Sql, attempt: Attempt): Promise<number> {
  const begun = sql.begin(async (tx) => {
    for (const { key, free } of keysOf(attempt)) {
      // In one statement: a sign-in that succeeds at the same time takes the row away.
      const [row] = await tx<[{ failures: number; wait: number; forgotten: boolean }]>`
        insert into login_attempt as l (key, failures, blocked_until, at)
        values (${key}, 0, clock_timestamp(), clock_timestamp()) on conflict (key) do update set key = excluded.key
        returning l.failures, l.at < clock_timestamp() - ${forget}::interval as forgotten,
          extract(epoch from l.blocked_until - clock_timestamp())::float8 as wait`
      if (row.wait > 0) throw new Blocked(Math.ceil(row.wait))
      const failures = row.forgotten ? 1 : row.failures + 1
      const seconds = failures <= free ? 0 : Math.min(2 ** (failures - free - 1), maxSeconds)
      await tx`update login_attempt set failures = ${failures}, at = clock_timestamp(),
        blocked_until = clock_timestamp() + ${seconds} * interval '1 second' where key = ${key}`
    }
    return 0
  })
  return await begun.catch((error: unknown) => {
    if (error instanceof Blocked) return error.seconds
    throw error
  })
}

/** Takes a successful attempt out of the count. */
export async function endAttempt(sql: Sql, attempt: Attempt): Promise<void> {
  const [user, address] = keysOf(attempt)
  await sql`delete from login_attempt where key = ${user?.key ?? ''}`
  await sql`update login_attempt set failures = failures - 1, blocked_until = now()
    where key = ${address?.key ?? ''} and failures > 0`
}
