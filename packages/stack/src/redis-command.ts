import { Redis } from 'ioredis'

export type RedisAddress = { host: string; port: number; password?: string }

/**
 * Sends one command on a connection of its own.
 * @returns Redis's answer as a string
 * @throws when the server is away, still loads its data, refuses, or is silent for 2 s
 */
export async function askRedis(address: RedisAddress, command: string, ...args: string[]): Promise<string> {
  const redis = new Redis({
    ...address,
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
  })
  let refusal: unknown
  redis.on('error', (error) => {
    refusal = error
  })
  try {
    await redis.connect()
    return String(await redis.call(command, ...args))
  } catch (error) {
    // A refused greeting (NOAUTH) closes the connection; the reason is in the event alone.
    throw refusal ?? error
  } finally {
    redis.disconnect()
  }
}

/** Reads one field of INFO, undefined when it is not there. @throws as `askRedis` does */
export async function redisInfo(
  address: RedisAddress,
  section: string,
  field: string,
): Promise<string | undefined> {
  const info = await askRedis(address, 'INFO', section)
  return info.match(new RegExp(`^${field}:(.*?)\\r?$`, 'm'))?.[1]
}
