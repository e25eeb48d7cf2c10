import { until } from '@count/stack/until'
import { createCounts } from './browser.ts'
import { admin, bulkCaller } from './bulk-calls.ts'
import { caller, password, signIn, type World } from './world.ts'

/** A whole administration with something on every page, made as administrators make it. */
export async function stock(world: World): Promise<void> {
  await createCounts(world, [
    { id: 'page.views', name: 'page.views', unit: '42', tags: ['web', 'main'], initialValue: 1200, max: 99_999 },
    { id: 'shop.stock', name: 'shop.stock', initialValue: -3 },
    { id: 'shop.old', name: '지난 행사', initialValue: 1204 },
  ]) // biome-ignore format: a table
  const boss = await signIn(world.app, 'admin')
  const any = { 'if-match': '*' }
  await boss.call('DELETE', `${admin}/counts/shop.old`, undefined, any)
  await boss.call('PATCH', `${admin}/counts/page.views`, { name: 'Page views' }, any)
  await boss.call('PUT', `${admin}/counts/page.views/value`, { value: 1300, reason: '집계 누락' })
  await boss.call('POST', `${admin}/api-keys`, {
    name: 'Shop',
    scopes: ['counts:write'],
    prefixes: ['shop.'],
  })
  await boss.call('POST', `${admin}/users`, { username: 'minji', password, role: 'editor' })
  await boss.call('POST', `${admin}/users`, { username: 'guest', password, role: 'viewer' })
  await boss.call('PATCH', `${admin}/users/guest`, { disabled: true })
  await caller(world.app, { 'user-agent': 'Mozilla/5.0 (iPhone) Safari/605' }).call(
    'POST',
    `${admin}/session`,
    {
      username: 'minji',
      password,
    },
  )
  const bulk = bulkCaller(world.app, boss)
  await bulk.importCounts('id,name\nshop.stock,shop.stock\nshop!,x\n', '?onError=skip')
  const tagged = await bulk.done(bulk.send('/bulk', { ids: ['shop.stock'], action: 'tag', tags: ['web'] }))
  await bulk.done(bulk.send(`/jobs/${tagged.id}/undo`, {}))
  await runningJob(world)
  await until(
    'the outbox',
    async () => (await world.sql`select from lifecycle_outbox where done_at is null`).length === 0,
  )
}

/** A job that another process works on, and goes on working on. @returns its id */
export async function runningJob(world: World): Promise<string> {
  const [row] = await world.sql<[{ id: string }]>`
    insert into import_job (kind, phase, options, username, address, total, processed, created, lease_until)
    values ('import.counts', 'applying', '{"onError":"skip"}', 'admin', '192.0.2.7', 1000, 400, 400, now() + interval '1 day')
    returning id`
  return row.id
}
