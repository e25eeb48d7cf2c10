import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { connected } from '@count/core/databases'
import { migrate } from '@count/core/postgres'
import { until } from '@count/stack/until'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import {
  type Deployed,
  type Service,
  servicePorts,
  services,
  startDeployed,
} from '../../packages/stack/test/deployed.ts'
import { manifestsOf } from '../../packages/stack/test/manifests.ts'
import { startCallers } from '../callers.ts'
import { startGateway } from './gateway.ts'

// Two processes of each service behind the gateway of compose.yaml, called all the time.
const closing = new AsyncDisposableStack()
let deployed: Deployed
let gateway: Awaited<ReturnType<typeof startGateway<Service>>>

beforeAll(async () => {
  const ports = await servicePorts()
  gateway = await startGateway(closing, ports, (service) => deployed?.addresses(service) ?? [])
  setDefaultCACertificates([...getCACertificates(), gateway.authority])
  deployed = await startDeployed(closing, await manifestsOf('single'), {
    instances: 2,
    ports,
    inside: gateway.inside,
    publicUrl: gateway.url,
  })
}, 180_000)
afterAll(() => closing.disposeAsync())

/** What a later release might bring: a column more in every table. @returns how many tables there are */
async function migrateOn(url: string): Promise<number> {
  const tables = await connected(
    url,
    (sql) => sql<{ relname: string }[]>`
      select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'migration'`,
  )
  const dir = await mkdtemp(join(tmpdir(), 'later-'))
  for (const [n, { relname }] of tables.entries())
    await writeFile(join(dir, `${900_000 + n}.sql`), `alter table ${relname} add column later int default 7`)
  await migrate(url, dir)
  await rm(dir, { recursive: true })
  return tables.length
}

test('the databases are migrated on, every process of every service is restarted in turn: no call fails, nothing is lost or counts twice', {
  timeout: 240_000,
}, async () => {
  onTestFailed(async () => {
    const log = (await gateway.log())
      .split('\n')
      .filter((line) => !line.includes('aborting with incomplete response'))
    console.log(log.slice(-20).join('\n'))
    for (const service of services)
      for (const n of [0, 1]) console.log(service, n, (await deployed.log(service, n)).slice(-1000))
  })
  const callers = await startCallers(
    closing,
    { url: gateway.url, apiKey: deployed.apiKey, admin: deployed.admin },
    { width: 12, pauseMs: 5, deadlineMs: 20_000 },
  )
  const failed: string[] = []
  const note = (what: string) => {
    failed.push(...callers.failures().map((failure) => `${what}: ${failure}`))
    callers.forget()
  }
  const { INFO_MIGRATION_URL, ARCHIVE_MIGRATION_URL, DASHBOARD_MIGRATION_URL } = deployed.databases
  for (const url of [INFO_MIGRATION_URL, ARCHIVE_MIGRATION_URL, DASHBOARD_MIGRATION_URL])
    expect(await migrateOn(url)).toBeGreaterThan(1)
  await until('every kind of call to succeed afterwards', callers.allFine)
  note('migrations')
  for (const service of services)
    for (const n of [0, 1]) {
      await deployed.stop(service, n)
      await deployed.start(service, n)
      note(`${service} ${n}`)
    }
  const { acknowledged, grown } = await callers.end()
  expect(failed).toEqual([])
  expect(callers.failures()).toEqual([])
  expect(acknowledged).toBeGreaterThan(10_000)
  expect(grown).toBe(acknowledged)
  const logs = await Promise.all(
    services.flatMap((service) => [deployed.log(service, 0), deployed.log(service, 1)]),
  )
  expect(logs.filter((log) => log.includes('was cut short'))).toEqual([])
})
