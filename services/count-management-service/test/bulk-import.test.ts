import { until } from '@count/stack/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admin, type BulkCaller, bulkCaller } from './bulk-calls.ts'
import { type Caller, caller, openWorld, signIn, type World } from './world.ts'

let world: World
let editor: Caller
let bulk: BulkCaller
beforeAll(async () => {
  world = await openWorld()
  editor = await signIn(world.app, 'editor')
  bulk = bulkCaller(world.app, editor)
})
afterAll(() => world.close())

let made = 0
const newId = () => `file-${++made}`
const get = async (id: string) => (await editor.call('GET', `${admin}/counts/${id}`)).body
const absent = async (...ids: string[]) => {
  for (const id of ids) expect((await editor.call('GET', `${admin}/counts/${id}`)).status).toBe(404)
}
const csv = (...lines: string[]) => `${lines.join('\n')}\n`
const header = 'id,name,description,unit,tags,min,max,initialValue'

describe('an import of counts', () => {
  test('creates and updates, and says what came of it', async () => {
    const [a, b] = [newId(), newId()]
    await editor.call('POST', `${admin}/counts`, { id: a, name: 'Before', unit: 'kg', tags: ['x'] })
    const { status, job } = await bulk.importCounts(
      csv(header, `${a},After,,kg,x|y,,50,`, `${b},"New, quoted ""b""",two words,,,-5,10,7`),
    )
    expect(status).toBe(200)
    expect(job).toMatchObject({
      kind: 'import.counts', status: 'done', total: 2, processed: 2, created: 1, updated: 1, unchanged: 0, failed: 0,
      errors: [], undoable: true, undone: false, actor: 'editor', dryRun: false,
    }) // biome-ignore format: a table
    expect(await get(a)).toMatchObject({
      name: 'After',
      unit: 'kg',
      tags: ['x', 'y'],
      min: null,
      max: 50,
      value: 0,
    })
    expect(await get(b)).toMatchObject({
      name: 'New, quoted "b"',
      description: 'two words',
      min: -5,
      value: 7,
    })
  })

  test('goes the way of a single change: audit, outbox and record', async () => {
    const [a, b] = [newId(), newId()]
    await editor.call('POST', `${admin}/counts`, { id: a, name: 'A' })
    await bulk.importCounts(csv('id,name,max', `${a},B,9`, `${b},C,5`))
    const audit = await world.sql`select username, action, target, detail from audit
      where target = any(${[a, b]}) order by id offset 1`
    expect(audit).toEqual([
      expect.objectContaining({ username: 'editor', action: 'count.create', target: b }),
      expect.objectContaining({
        action: 'count.update',
        target: a,
        detail: expect.objectContaining({ before: { name: 'A', max: null }, after: { name: 'B', max: 9 } }),
      }),
    ])
    await until('the events', async () => {
      const open = await world.sql`select from lifecycle_outbox where id = any(${[a, b]}) and done_at is null`
      return open.length === 0
    })
    const [{ revision } = { revision: 0 }] = await world.sql<
      { revision: number }[]
    >`select revision from count_info where id = ${a}`
    const shard = (await world.redis.keys(`*:count:${a}`))[0] ?? ''
    expect(await world.redis.hmget(shard, 'u', 'r')).toEqual(['9', `${revision}`])
  })

  test('changes nothing when a line is wrong, and names the lines', async () => {
    const [a, b, c] = [newId(), newId(), newId()]
    const { status, job } = await bulk.importCounts(
      csv(
        header,
        `${a},A,,,,,,`,
        `${b},,,,,,,`,
        `BAD ID,x,,,,,,`,
        `${c},C,,,,9,1,`,
        `${a},again,,,,,,`,
        `${c}2,C,,,,1.5,,`,
        'x,y',
      ),
    )
    expect(status).toBe(200)
    expect(job).toMatchObject({
      status: 'failed',
      processed: 7,
      created: 0,
      updated: 0,
      failed: 6,
      undoable: false,
    })
    expect(job.errors.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8])
    expect(job.errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('name'),
      expect.stringContaining('id'),
      expect.stringContaining('min'),
      'id: is already on line 2',
      expect.stringContaining('min'),
      'has 2 cells, the header 8',
    ])
    await absent(a, b, c)
    const csvErrors = await bulk.call('GET', `/jobs/${job.id}/errors?format=csv`)
    expect(csvErrors.type).toContain('text/csv')
    expect(csvErrors.text.split('\r\n')).toContain('6,id: is already on line 2')
    const first = JSON.parse((await bulk.call('GET', `/jobs/${job.id}/errors?limit=4`)).text)
    expect(first.nextCursor).toBe(6)
    const rest = JSON.parse((await bulk.call('GET', `/jobs/${job.id}/errors?cursor=6`)).text)
    expect([...first.items, ...rest.items]).toEqual(job.errors)
  })

  test('skips the wrong lines where it is told to', async () => {
    const [a, b] = [newId(), newId()]
    const { job } = await bulk.importCounts(csv(header, `${a},A,,,,,,`, `${b},B,,,,9,1,`), '?onError=skip')
    expect(job).toMatchObject({ status: 'done', created: 1, failed: 1, processed: 2 })
    expect((await get(a)).name).toBe('A')
    await absent(b)
  })

  test('refuses bounds that a present value violates, and an initial value that would change', async () => {
    const [a, b, c] = [newId(), newId(), newId()]
    await editor.call('POST', `${admin}/counts`, { id: a, name: 'A', initialValue: 50 })
    await editor.call('POST', `${admin}/counts`, { id: b, name: 'B', initialValue: 3 })
    const file = csv(header, `${c},C,,,,,,`, `${a},A,,,,,49,`, `${b},B,,,,,,4`)
    const before = await get(a)
    const { job } = await bulk.importCounts(file)
    expect(job).toMatchObject({ status: 'failed', failed: 2, created: 0 })
    expect(job.errors).toEqual([
      { line: 3, message: expect.stringContaining('50') },
      { line: 4, message: expect.stringContaining('initialValue') },
    ])
    expect(await get(a)).toEqual(before)
    await absent(c)
    expect((await bulk.importCounts(file, '?onError=skip')).job).toMatchObject({ created: 1, failed: 2 })
    expect(await get(a)).toEqual(before)
  })

  test('as a dry run tells the same and changes nothing', async () => {
    const [a, b] = [newId(), newId()]
    await editor.call('POST', `${admin}/counts`, { id: a, name: 'A' })
    const before = await get(a)
    const file = csv('id,name', `${a},B`, `${b},C`, `${a}-2,`)
    const { job } = await bulk.importCounts(file, '?dryRun=true&onError=skip')
    expect(job).toMatchObject({
      status: 'done',
      dryRun: true,
      created: 1,
      updated: 1,
      failed: 1,
      undoable: false,
    })
    expect((await bulk.importCounts(file, '?dryRun=true')).job).toMatchObject({ status: 'failed', failed: 1 })
    const good = await bulk.importCounts(csv('id,name', `${a},B`, `${b},C`), '?dryRun=true')
    expect(good.job).toMatchObject({ status: 'done', created: 1, updated: 1, failed: 0, undoable: false })
    expect(await get(a)).toEqual(before)
    await absent(b)
  })

  test('takes a byte order mark, CRLF, quoted line ends, empty lines; counts lines as an editor does', async () => {
    const [a, b] = [newId(), newId()]
    const { job } = await bulk.importCounts(
      `\ufeffid,name,description\r\n${a},"A","one\r\ntwo"\r\n\r\n${b},B,\r\nBAD,x,\r\n`,
      '?onError=skip',
    )
    expect(job).toMatchObject({ created: 2, failed: 1, errors: [{ line: 6 }] })
    expect(await get(a)).toMatchObject({ name: 'A' })
    const [row] = await world.sql<
      { description: string }[]
    >`select description from count_info where id = ${a}`
    expect(row?.description).toBe('one\r\ntwo')
  })

  test('tells invalid UTF-8, and a line of 10 MB, by their lines', async () => {
    const [a, b] = [newId(), newId()]
    const broken = Buffer.concat([
      Buffer.from(`id,name\n${a},A\n${b},`),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('\n'),
    ])
    expect((await bulk.importCounts(broken)).job).toMatchObject({
      status: 'failed',
      errors: [{ line: 3, message: 'is not valid UTF-8' }],
    })
    const long = await bulk.importCounts(csv('id,name,description', `${a},A,${'x'.repeat(1e7)}`, `${b},B,`))
    expect(long.job).toMatchObject({
      status: 'failed',
      errors: [{ line: 2, message: expect.stringContaining('description') }],
    })
    await absent(a, b)
  })

  test.each([
    ['an unknown column', 'id,name,colour\na,b,c\n', 'line 1'],
    ['a column twice', 'id,name,name\na,b,c\n', 'line 1'],
    ['no id column', 'name\na\n', 'line 1'],
    ['no header', '', 'line 1'],
    ['a quote that never ends', `id,name\nq1,"open\nq2,b\n`, 'line'],
    ['a quote in a cell', `id,name\nq1,A\nq2,a"b"\n`, 'line 3'],
    ['a line without end', `id,name\nq1,A\nq2,${'x'.repeat(17e6)}\n`, 'line 3'],
  ])('refuses a file with %s whole, and keeps no job', async (_, file, path) => {
    const jobs = await world.sql`select from import_job`
    const { status, problem } = await bulk.importCounts(file, '?onError=skip')
    expect(status).toBe(400)
    expect(problem.type).toBe('urn:count:problem:invalid-request')
    expect(problem.errors?.[0]?.path).toContain(path)
    await absent('q1')
    expect(await world.sql`select from import_job`).toHaveLength(jobs.length)
  })

  test('takes NDJSON; what is no object, or has strange fields, is a fault', async () => {
    const [a, b] = [newId(), newId()]
    const lines = [
      JSON.stringify({ id: a, name: 'A', tags: ['x'], min: -1, max: null, initialValue: 2 }),
      '[]',
      '{"id":',
      JSON.stringify({ id: b, name: 'B', colour: 'red' }),
      JSON.stringify({ id: b, name: '\ud800' }),
      JSON.stringify({ id: b, name: 'B', min: '5' }),
    ]
    const { job } = await bulk.call(
      'POST',
      '/import/counts?onError=skip',
      lines.join('\n'),
      'application/x-ndjson',
    )
    expect(job).toMatchObject({ created: 1, failed: 5 })
    expect(job.errors.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6])
    expect(await get(a)).toMatchObject({ tags: ['x'], min: -1, max: null, value: 2 })
  })

  test('wants a file in UTF-8, an editor, and parameters that exist', async () => {
    expect((await bulk.call('POST', '/import/counts', '{}', 'application/json')).status).toBe(415)
    expect((await bulk.call('POST', '/import/counts', 'id\n', 'text/csv; charset=euc-kr')).status).toBe(415)
    expect((await bulk.call('POST', '/import/counts')).status).toBe(415)
    expect((await bulk.importCounts('id,name\n', '?onError=maybe')).status).toBe(400)
    const viewer = bulkCaller(world.app, await signIn(world.app, 'viewer'))
    expect((await viewer.importCounts('id,name\n')).status).toBe(403)
    expect((await bulkCaller(world.app, caller(world.app)).importCounts('id,name\n')).status).toBe(401)
    expect((await bulk.importCounts('id,name\n')).job).toMatchObject({ status: 'done', total: 0 })
  })

  test('can be taken back: created counts go, changed ones are as before, others’ later changes stay', async () => {
    const [a, b, c] = [newId(), newId(), newId()]
    for (const id of [a, b]) await editor.call('POST', `${admin}/counts`, { id, name: 'Old', unit: 'kg' })
    const { job } = await bulk.importCounts(csv('id,name,unit', `${a},New,g`, `${b},New,g`, `${c},C,g`))
    await editor.call('PATCH', `${admin}/counts/${b}`, { name: 'Mine' }, { 'if-match': '*' })
    const undo = await bulk.done(bulk.send(`/jobs/${job.id}/undo`, {}))
    expect(undo).toMatchObject({
      kind: 'undo.counts',
      status: 'done',
      updated: 2,
      failed: 1,
      undoable: false,
    })
    expect(undo.errors[0]?.message).toContain('name')
    expect(await get(a)).toMatchObject({ name: 'Old', unit: 'kg' })
    expect(await get(b)).toMatchObject({ name: 'Mine' })
    await absent(c)
    expect((await bulk.call('GET', `/jobs/${job.id}`)).job).toMatchObject({ undone: true, undoable: false })
    const again = await bulk.send(`/jobs/${job.id}/undo`, {})
    expect(again.job.id).toBe(undo.id)
  })

  test('that meets a refusal only while it is applied takes back what it did', async () => {
    const ids = Array.from({ length: 1500 }, () => newId())
    const late = ids.at(-1) as string
    await editor.call('POST', `${admin}/counts`, { id: late, name: 'Late' })
    // The value moves out of the new bounds once the import has begun to apply.
    await world.sql.unsafe(`create function wait_here() returns trigger language plpgsql as $$ begin
      perform pg_advisory_xact_lock(77); return new; end $$;
      create trigger wait_here before update of phase on import_job for each row
        when (old.phase = 'checking' and new.phase = 'applying') execute function wait_here()`)
    const gate = await world.sql.reserve()
    await gate`select pg_advisory_lock(77)`
    const reply = await bulk.importCounts(
      csv('id,name,max', ...ids.map((id) => `${id},X,${id === late ? 5 : ''}`)),
    )
    expect(reply.status).toBe(202)
    await until(
      'the end of the check',
      async () => (await gate`select from pg_locks where locktype = 'advisory' and not granted`).length > 0,
    )
    await editor.call('PUT', `${admin}/counts/${late}/value`, { value: 6, reason: 'x' })
    await gate`select pg_advisory_unlock(77)`
    gate.release()
    const job = await bulk.ended(reply.job.id)
    await world.sql`drop trigger wait_here on import_job`
    expect(job).toMatchObject({ status: 'failed', created: 0, updated: 0, failed: 1, undoable: false })
    expect(job.errors).toEqual([{ line: 1501, message: expect.stringContaining('outside') }])
    const live = await world.sql`select id from count_info where id = any(${ids}) and deleted_at is null`
    expect(live.map((row) => row.id)).toEqual([late])
    expect(await get(late)).toMatchObject({ name: 'Late', max: null, value: 6 })
  })
})

describe('an export', () => {
  test('imported again changes nothing, whatever stands in it', async () => {
    const ids = ['=1+1', '+a', '-b', '@c', "'quoted", "'=both", "''=", 'a,"b"', '한글'].map((name) => {
      const id = newId()
      return {
        id,
        name,
        description: `${name}\nsecond`,
        unit: '-',
        tags: ['round', name.replace('|', '')],
        min: -3,
        initialValue: -2,
      }
    })
    for (const count of ids) expect((await editor.call('POST', `${admin}/counts`, count)).status).toBe(201)
    const exported = await bulk.call('GET', '/export/counts?format=csv&tag=round')
    expect(exported.status).toBe(200)
    expect(exported.type).toBe('text/csv; charset=utf-8')
    expect(exported.text.startsWith(`\ufeff${header}\r\n`)).toBe(true)
    // No cell of text begins like a formula; numbers are left alone.
    expect(exported.text).not.toMatch(/(^|,|\n)"?[=+@]/)
    expect(exported.text).toContain(',-3,,-2\r\n')
    const revisions = () => world.sql`select id, revision, name, tags from count_info order by id`
    const before = await revisions()
    expect((await bulk.importCounts(exported.text)).job).toMatchObject({
      status: 'done',
      unchanged: ids.length,
      created: 0,
      updated: 0,
      failed: 0,
    })
    const lines = await bulk.call('GET', '/export/counts?format=ndjson&tag=round')
    expect(lines.type).toBe('application/x-ndjson')
    expect((await bulk.call('POST', '/import/counts', lines.text, 'application/x-ndjson')).job).toMatchObject(
      { unchanged: ids.length, failed: 0 },
    )
    expect(await revisions()).toEqual(before)
  })

  test('goes by the same search as the list, and across pages', async () => {
    const ids = Array.from({ length: 2100 }, (_, i) => `many-${String(i).padStart(4, '0')}`)
    const reply = await bulk.importCounts(csv('id,name,tags', ...ids.map((id) => `${id},M,many`)))
    await bulk.ended(reply.job.id)
    const all = await bulk.call('GET', '/export/counts?tag=many')
    expect(
      all.text
        .trim()
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(',')[0]),
    ).toEqual(ids)
    const some = await bulk.call('GET', '/export/counts?q=many-000&status=active')
    expect(some.text.trim().split('\r\n')).toHaveLength(11)
    expect((await bulk.call('GET', '/export/counts?colour=red')).status).toBe(400)
  })
})
