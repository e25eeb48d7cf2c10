import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabases, randomPasswords } from '@count/core/databases'
import { startKafka } from './kafka-server.ts'
import { endLeaked } from './leaks.ts'
import { startPostgres } from './postgres-server.ts'
import { TEST_RUN, type TestRun, template } from './testing.ts'

/**
 * For all test files of a run, whatever their project: one PostgreSQL at once, one Kafka when the first test asks, and
 * a directory that holds everything temporary. Its end stops and removes them, and fails the run when a process that
 * a test started is still there.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'count-test-'))
  // PostgreSQL, another user when we are root, passes through.
  chmodSync(dir, 0o711)
  const before = process.env.TMPDIR
  // Whatever a test puts into tmpdir() goes away with the run, and whatever runs there is known as ours.
  process.env.TMPDIR = dir

  const postgres = await startPostgres({ durable: false })
  const passwords = randomPasswords()
  await createDatabases(postgres.url, { suffix: template, passwords })

  let kafka: ReturnType<typeof startKafka> | undefined
  const socket = join(dir, 'kafka.sock')
  const door = createServer((connection) => {
    kafka ??= startKafka()
    connection.on('error', () => {})
    kafka.then(
      ({ brokers }) => connection.end(JSON.stringify({ brokers })),
      (error) => connection.end(JSON.stringify({ error: String(error) })),
    )
  })
  await new Promise<void>((resolve) => door.listen(socket, resolve))

  const run: TestRun = { superuserUrl: postgres.url, passwords, kafkaSocket: socket }
  // By the environment, not by vitest's provide: processes that a test starts can use them too.
  process.env[TEST_RUN] = JSON.stringify(run)

  return async () => {
    door.close()
    await Promise.all([postgres.stop(), kafka?.then((server) => server.stop()).catch(() => {})])
    const leaked = await endLeaked(dir)
    rmSync(dir, { recursive: true, force: true })
    delete process.env[TEST_RUN]
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    if (leaked.length > 0) throw new Error(`tests left processes running (now ended):\n${leaked.join('\n')}`)
  }
}
