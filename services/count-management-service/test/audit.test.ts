import { csvLine } from '@count/core/csv-line'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditActions } from '../src/audit.ts'
import { type Body, type Caller, openWorld, signIn, type World } from './world.ts'

const audit = '/api/v1/admin/audit'
const file = '/api/v1/admin/export/audit'
let world: World
let admin: Caller
let editor: Caller
beforeAll(async () => {
  world = await openWorld()
  admin = await signIn(world.app, 'admin')
  editor = await signIn(world.app, 'editor')
  // More than one helping of an export; every minute one, of two counts and two people.
  await world.sql`insert into audit (at, username, address, action, target, detail)
    select '2026-01-01'::timestamptz + n * interval '1 minute', (array['ann', 'bob'])[1 + n % 2], '192.0.2.1', 'count.update',
      (array['a', 'b'])[1 + n / 2 % 2], jsonb_build_object('created', 1, 'before', jsonb_build_object('name', 'x' || n), 'after',
      jsonb_build_object('name', 'y' || n), 'reason', '=' || n) from generate_series(1, 2500) n`
})
afterAll(() => world.close())

const get = async (query: string, who = admin) => (await who.call('GET', `${audit}?${query}`)).body
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
const download = async (query: string, who = admin) =>
  await world.app.inject({ method: 'GET', url: `${file}?${query}`, headers: who.headers })

describe('the audit trail', () => {
  test('says who did what, from where, before, after and why, newest first', async () => {
    const { items } = await get('actor=bob&limit=2')
    expect(items).toHaveLength(2)
    expect(items[0]).toEqual({
      id: expect.stringMatching(/^\d+$/),
      at: at(2499),
      actor: 'bob',
      address: '192.0.2.1',
      action: 'count.update',
      subject: 'b',
      before: { name: 'x2499' },
      after: { name: 'y2499' },
      reason: '=2499',
      undoable: true,
      undoneBy: null,
    })
    expect(Number(items[0]?.id)).toBeGreaterThan(Number(items[1]?.id))
  })

  test('is filtered by actor, action, subject and time, `to` not included', async () => {
    const all = async (query: string) => (await get(`${query}&limit=1000`)).items
    expect(await all('actor=Ann&subject=a&action=count.update')).toHaveLength(625)
    expect(await all('action=count.delete')).toHaveLength(0)
    expect((await all(`from=${at(10)}&to=${at(12)}`)).map((entry) => entry.at)).toEqual([at(11), at(10)])
    expect(await all('subject=')).toHaveLength(0)
  })

  test('pages through everything once, also while it grows', async () => {
    const seen: Body[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await get(`to=${at(3000)}&limit=700${cursor ? `&cursor=${cursor}` : ''}`)
      seen.push(...page.items)
      cursor = page.nextCursor
      await world.sql`insert into audit (at, username, address, action, target, detail) values (${at(5000)}, 'x', 'x', 'x', 'x', '{}')`
    }
    expect(seen.map((entry) => entry.at)).toEqual(Array.from({ length: 2500 }, (_, n) => at(2500 - n)))
  })

  test.for(['cursor=nonsense', 'from=yesterday', 'action=x%00', 'limit=0', 'other=1', 'subject=%00'])(
    'refuses %s',
    async (query) => {
      expect((await admin.call('GET', `${audit}?${query}`)).status).toBe(400)
    },
  )

  test('shows sign-ins, users and keys to admins only, in the file too', async () => {
    for (const action of ['session.create', 'user.create', 'key.create']) {
      await world.sql`insert into audit (username, address, action, target, detail) values ('x', 'x', ${action}, 'x', '{}')`
      expect((await get(`action=${action}`)).items.length).toBeGreaterThan(0)
      expect((await get(`action=${action}`, editor)).items).toEqual([])
      expect((await download(`format=ndjson&action=${action}`)).body).not.toBe('')
      expect((await download(`format=ndjson&action=${action}`, editor)).body).toBe('')
    }
    expect((await get('actor=ann&limit=1', editor)).items).toHaveLength(1)
  })
})

describe('the export', () => {
  test('as NDJSON holds every entry once, as the list shows it', async () => {
    const reply = await download(`format=ndjson&to=${at(3000)}`)
    expect(reply.headers['content-type']).toBe('application/x-ndjson')
    expect(reply.headers['content-disposition']).toBe('attachment; filename="audit.ndjson"')
    const lines = reply.body.trimEnd().split('\n')
    const entries: Body[] = lines.map((line) => JSON.parse(line))
    expect(entries.map((entry) => entry.at)).toEqual(Array.from({ length: 2500 }, (_, n) => at(2500 - n)))
    expect(entries[0]).toEqual((await get(`to=${at(3000)}&limit=1`)).items[0])
  })

  test('as CSV has a byte order mark, CRLF, quoted JSON and no formula', async () => {
    const reply = await download(`format=csv&subject=a&from=${at(4)}&to=${at(5)}`)
    expect(reply.headers['content-type']).toBe('text/csv; charset=utf-8')
    const { id } = (await get(`subject=a&from=${at(4)}&to=${at(5)}`)).items[0] as Body
    expect(reply.body).toBe(
      `\ufeffid,at,actor,address,action,subject,before,after,reason,undoneBy\r\n${id},${at(4)},ann,192.0.2.1,count.update,a,"{""name"":""x4""}","{""name"":""y4""}",'=4,\r\n`,
    )
  })

  test('guards text that a spreadsheet would run, never numbers', () => {
    expect(csvLine(['=1', '+1', '-1', '@x', '\tx', 'a=1', -1, null, 'a"b', 'a\nb'])).toBe(
      `'=1,'+1,'-1,'@x,'\tx,a=1,-1,,"a""b","a\nb"\r\n`,
    )
  })

  test('is refused for another format', async () => {
    expect((await download('format=xml')).statusCode).toBe(400)
    expect((await download('')).statusCode).toBe(400)
  })
})

test('the pages have words for all that is recorded, in both languages', async () => {
  const { words } = await import('../public/words.js')
  const known = Object.keys(words).flatMap((key) => /^action\.([a-z]+\.[a-z-]+)$/.exec(key)?.[1] ?? [])
  expect(known.sort()).toEqual([...auditActions].sort())
  for (const action of auditActions) {
    const texts: unknown[] = Object(Reflect.get(words, `action.${action}`))
    expect(texts).toEqual([
      expect.stringMatching(/\p{Script=Hangul}/u),
      expect.stringMatching(/^[A-Z][A-Za-z]+ ?[A-Za-z, -]*$/),
    ])
  }
})
