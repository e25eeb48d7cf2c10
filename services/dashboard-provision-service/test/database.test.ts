import { connectPostgres, type Sql } from '@count/core/postgres'
import { type TestDatabases, testDatabases } from '@count/stack/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAlertManager } from '../src/alerts/alert-manager.ts'
import { createDeliveries } from '../src/alerts/deliveries.ts'
import { createTransitions } from '../src/alerts/transitions.ts'
import { migrateDashboards } from '../src/app.ts'
import { createDashboardManager } from '../src/dashboard-manager.ts'
import { clean } from '../src/housekeeping.ts'
import { createRevisions } from '../src/revisions.ts'
import { createShares, hashToken } from '../src/shares.ts'
import { createShownDashboards } from '../src/shown-dashboards.ts'
import { createTrash } from '../src/trash.ts'

let databases: TestDatabases
let owner: Sql
let service: Sql
beforeAll(async () => {
  databases = await testDatabases()
  await Promise.all([migrateDashboards(databases), migrateDashboards(databases)])
  owner = connectPostgres(databases.DASHBOARD_MIGRATION_URL, { name: 'owner' })
  service = connectPostgres(databases.DASHBOARD_DATABASE_URL, { name: 'service' })
})
afterAll(async () => {
  await Promise.all([owner, service].map((sql) => sql.end({ timeout: 1 })))
  await databases.drop()
})

const denied = expect.objectContaining({ code: '42501' })

describe('rights', () => {
  test('the service changes rows, and neither tables nor what was migrated nor counters by hand', async () => {
    await service`update change_counter set n = n where name = 'alerts'`
    for (const refused of [
      service`create table mine (x int)`,
      service`drop table dashboard`,
      service`alter table dashboard add column x int`,
      service`truncate dashboard cascade`,
      service`insert into migration (name) values ('x')`,
      service`insert into change_counter values ('x', 1)`,
      service`delete from change_counter`,
    ]) {
      await expect(refused).rejects.toEqual(denied)
    }
    expect(await service`select name from migration`).toHaveLength(1)
  })

  test('nobody else comes in', async () => {
    for (const url of [
      databases.INFO_DATABASE_URL,
      databases.INFO_REPLICA_DATABASE_URL,
      databases.ARCHIVE_DATABASE_URL,
    ]) {
      const [from, to] = [new URL(url), new URL(databases.DASHBOARD_DATABASE_URL)]
      from.pathname = to.pathname
      const stranger = connectPostgres(from.href, { name: 'stranger', max: 1 })
      await expect(stranger`select 1`).rejects.toEqual(denied)
      await stranger.end()
    }
  })
})

describe('with many rows', () => {
  beforeAll(async () => {
    await owner`insert into dashboard (id, body, revision, changed, created_by, updated_by, deleted_at)
      select 'd' || i, jsonb_build_object('name', 'Board ' || md5(i::text), 'range', '24h', 'panels', '[]'::jsonb), 1, i, 'x', 'x',
        case when i % 10 = 0 then now() end from generate_series(1, 20000) i`
    await owner`insert into dashboard_revision (dashboard, revision, body, saved_by)
      select id, 1, body, 'x' from dashboard`
    await owner`insert into share_link (id, dashboard, name, token_hash, frame_ancestors, expires_at, created_by)
      select 's' || i, 'd' || i, '', sha256(i::text::bytea), '{}', case when i % 2 = 0 then now() + i * interval '1 hour' end, 'x'
      from generate_series(1, 20000) i`
    await owner`insert into alert_rule (id, name, count, condition, enabled, revision, url, secret, created_by, updated_by, state)
      select 'r' || i, 'Rule ' || md5(i::text), 'c' || i, '{}', true, 1, 'https://x', 'whsec_', 'x', 'x',
        case when i % 500 = 0 then 'open' else 'closed' end from generate_series(1, 5000) i`
    await owner`insert into alert_transition (rule, revision, count, version, state, value, at)
      select 'r' || (i % 5000 + 1), 1, 'c', i, 'open', 1, now() from generate_series(1, 20000) i`
    await owner`insert into alert_delivery (id, rule, transition, type, body, status, next_at)
      select 'm' || n, rule, n, 'x', '{}', case when n % 1000 = 0 then 'dead' when n % 1001 = 0 then 'pending' else 'delivered' end,
        now() + interval '1 hour' from alert_transition`
    // Analyses, and brings into the search index what waits to be.
    await owner`vacuum analyze`
  })

  /** Runs `work`, explains each statement that it sent, and gives the tables that were read from end to end. */
  async function scans(work: (sql: Sql) => Promise<unknown>): Promise<string[]> {
    const sent: { text: string; values: Parameters<Sql['unsafe']>[1] }[] = []
    const spying = connectPostgres(databases.DASHBOARD_DATABASE_URL, { name: 'spy', max: 1 })
    spying.options.debug = (_connection, text, values) => void sent.push({ text, values })
    await work(spying)
    spying.options.debug = false
    const found: string[] = []
    // The client itself asks for the types of arrays.
    for (const { text, values } of sent.filter(({ text }) => !text.includes('pg_catalog'))) {
      const plan = await spying.unsafe(`explain ${text}`, values)
      for (const row of plan) {
        const [, table] = /Seq Scan on (\w+)/.exec(String(row['QUERY PLAN'])) ?? []
        if (table) found.push(table)
      }
    }
    await spying.end()
    expect(sent.length).toBeGreaterThan(0)
    return found
  }
  const page = { cursor: undefined, limit: 50 }

  test.for<[string, (sql: Sql) => Promise<unknown>]>([
    [
      'dashboards by change',
      (sql) => createDashboardManager(sql).list({ ...page, q: undefined, sort: '-updatedAt' }),
    ],
    [
      'dashboards by name',
      (sql) => createDashboardManager(sql).list({ ...page, q: undefined, sort: 'name' }),
    ],
    [
      'dashboards by part of their name',
      (sql) => createDashboardManager(sql).list({ ...page, q: 'abcd', sort: 'name' }),
    ],
    ['a dashboard', (sql) => createDashboardManager(sql).find('d7')],
    ['the trash', (sql) => createTrash(sql).list(page)],
    ['revisions', (sql) => createRevisions(sql).list('d7', page)],
    ['links', (sql) => createShares({ sql, publicSql: sql }).list('d7')],
    ['a token', (sql) => createShares({ sql, publicSql: sql }).open(`sh_${'x'.repeat(43)}`)],
    [
      'what is shown',
      (sql) => createShownDashboards(sql).read(['d7', 'd8'], [hashToken('7').toString('hex')]),
    ],
    [
      'rules',
      (sql) =>
        createAlertManager({ ...alerts, sql }).list({
          ...page,
          q: undefined,
          count: undefined,
          state: undefined,
        }),
    ],
    [
      'rules of a count',
      (sql) =>
        createAlertManager({ ...alerts, sql }).list({ ...page, q: undefined, count: 'c7', state: undefined }),
    ],
    [
      'open rules',
      (sql) =>
        createAlertManager({ ...alerts, sql }).list({
          ...page,
          q: undefined,
          count: undefined,
          state: 'open',
        }),
    ],
    ['history', (sql) => createTransitions({ ...alerts, sql }).history('r7', page)],
    [
      'deliveries',
      (sql) => createDeliveries({ ...outbox, sql }).list({ ...page, status: undefined, rule: undefined }),
    ],
    [
      'dead letters',
      (sql) => createDeliveries({ ...outbox, sql }).list({ ...page, status: 'dead', rule: undefined }),
    ],
    [
      'deliveries of a rule',
      (sql) => createDeliveries({ ...outbox, sql }).list({ ...page, status: undefined, rule: 'r7' }),
    ],
  ])('%s are found by an index', async ([, work]) => {
    expect(await scans(work)).toEqual([])
  })

  test('each second two small questions are asked', async () => {
    expect(await scans((sql) => createShownDashboards(sql).tag())).toEqual(['change_counter'])
  })
})
const alerts = { allowPrivate: false, onTransition: () => {} }
const outbox = {
  sender: { send: () => Promise.reject(new Error('nothing is sent here')), close: async () => {} },
  onPending: () => {},
}

test('cleaning removes what is past, and nothing that is needed', async () => {
  await owner`delete from dashboard`
  await owner`delete from alert_rule`
  const insert = (id: string, days: number | null) =>
    owner`insert into dashboard (id, body, revision, changed, created_by, updated_by, deleted_at)
      values (${id}, '{"name": "x"}', 1, 1, 'x', 'x', now() - ${days} * interval '1 day')`
  await insert('live', null)
  await insert('young', 29)
  await insert('old', 31)
  await owner`insert into dashboard_revision (dashboard, revision, body, saved_by) select id, 1, body, 'x' from dashboard`
  await owner`insert into share_link (id, dashboard, name, token_hash, frame_ancestors, expires_at, created_by) values
    ('wall', 'live', '', '\\x01', '{}', null, 'x'), ('past', 'live', '', '\\x02', '{}', now() - interval '29 days', 'x'),
    ('long past', 'live', '', '\\x03', '{}', now() - interval '31 days', 'x')`
  await owner`insert into alert_rule (id, name, count, condition, enabled, revision, url, secret, created_by, updated_by)
    values ('r', 'x', 'c', '{}', true, 1, 'https://x', 'whsec_', 'x', 'x')`
  await owner`insert into alert_transition (rule, revision, count, version, state, at) values
    ('r', 1, 'c', 1, 'open', now() - interval '2 years'), ('r', 1, 'c', 2, 'closed', now() - interval '2 years'),
    ('r', 1, 'c', 3, 'open', now())`
  await owner`insert into alert_delivery (id, rule, transition, type, body, status, finished_at) select 'm' || version, rule, n, 'x', '{}',
    case version when 2 then 'pending' else 'delivered' end, case version when 1 then now() - interval '91 days' when 3 then now() end
    from alert_transition`
  await clean(service)
  const ids = async (rows: Promise<{ id: string }[]>) => (await rows).map(({ id }) => id)
  expect(await ids(owner`select id from dashboard order by id`)).toEqual(['live', 'young'])
  expect(await owner`select from dashboard_revision`).toHaveLength(2)
  expect(await ids(owner`select id from share_link order by id`)).toEqual(['past', 'wall'])
  expect(await ids(owner`select id from alert_delivery order by id`)).toEqual(['m2', 'm3'])
  expect(await owner`select version from alert_transition order by version`).toEqual([
    { version: 2 },
    { version: 3 },
  ])
})
