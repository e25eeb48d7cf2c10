import type { RedisAddress } from './redis-command.ts'
import type { StackState } from './stack-state.ts'
import type { Log, Store } from './supervise.ts'

/** Where a stack's stores live, and what they keep. */
export type StorePlace = { dataDir: string; state: StackState; log: Log }

export type RedisStore = Store & RedisAddress & { url: string }
/** `url` is the superuser's */
export type DatabaseServer = Store & { url: string }
export type EventBus = Store & { brokers: string }

/** How to start each store, whatever it is made of; each first ends what an earlier start left of it. */
export type StoreSource = {
  /** every answered write on disk, nothing evicted */
  startValueStore(place: StorePlace): Promise<RedisStore>
  /** a read-only copy; not on disk, as it copies itself anew at every start */
  startReplica(place: StorePlace, primary: RedisAddress): Promise<RedisStore>
  /** forgets what was not used lately when it is full */
  startCache(place: StorePlace): Promise<RedisStore>
  /** without databases: `createDatabases` makes them */
  startDatabaseServer(place: StorePlace): Promise<DatabaseServer>
  startEventBus(place: StorePlace): Promise<EventBus>
}
