import { until } from '@count/stack/until'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, type World } from './world.ts'

const path = '/api/v1/dashboards'
let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const number = (id: string, x: number, y: number, more: object = {}) => ({
  id,
  type: 'number',
  counts: { ids: ['a.count'] },
  layout: { x, y, w: 3, h: 2 },
  ...more,
})
const board = (name: string, panels: object[] = [number('one', 0, 0)]) => ({ name, range: '24h', panels })

/** Creates one and gives its id. */
async function create(body: object): Promise<string> {
  const reply = await world.editor.call('POST', path, body)
  expect([reply.status, reply.text]).toEqual([201, expect.any(String)])
  return reply.body.id
}

describe('a dashboard', () => {
  test('is created, read with its ETag, and says who made it', async () => {
    const made = await world.editor.call('POST', path, board('Sales'))
    expect(made.status).toBe(201)
    expect(made.headers.location).toBe(`${path}/${made.body.id}`)
    expect(made.headers.etag).toBe('"1"')
    const read = await world.viewer.call('GET', `${path}/${made.body.id}`)
    expect(read.body).toEqual({
      id: expect.stringMatching(/^[a-z0-9]{16}$/),
      name: 'Sales',
      range: '24h',
      panels: [{ ...number('one', 0, 0), title: '' }],
      revision: 1,
      createdAt: expect.any(String),
      createdBy: 'editor',
      updatedAt: expect.any(String),
      updatedBy: 'editor',
    })
    const again = await world.viewer.call('GET', `${path}/${made.body.id}`, undefined, {
      'if-none-match': String(read.headers.etag),
    })
    expect([again.status, again.text]).toEqual([304, ''])
  })

  test('is replaced and renamed under the revision that the caller saw, and no other', async () => {
    const id = await create(board('Old'))
    const renamed = await world.editor.call('PATCH', `${path}/${id}`, { name: 'New' }, { 'if-match': '"1"' })
    expect([renamed.status, renamed.body.name, renamed.headers.etag]).toEqual([200, 'New', '"2"'])
    expect(renamed.body.panels).toHaveLength(1)
    const replaced = await world.admin.call('PUT', `${path}/${id}`, board('New', []), {
      'if-match': '"1", "2"',
    })
    expect([replaced.status, replaced.body.revision, replaced.body.updatedBy]).toEqual([200, 3, 'admin'])
    const stale = await world.editor.call('PATCH', `${path}/${id}`, { name: 'Lost' }, { 'if-match': '"2"' })
    expect([stale.status, stale.body.detail]).toEqual([412, 'It is at revision 3'])
    for (const [method, body] of [
      ['PUT', board('x')],
      ['PATCH', { name: 'x' }],
      ['DELETE', undefined],
    ] as const) {
      expect([method, (await world.editor.call(method, `${path}/${id}`, body)).status]).toEqual([method, 428])
      const malformed = await world.editor.call(method, `${path}/${id}`, body, { 'if-match': '3' })
      expect([method, malformed.status, malformed.body.errors[0]?.path]).toEqual([method, 400, 'if-match'])
      expect((await world.editor.call(method, `${path}/${id}`, body, { 'if-match': 'W/"3"' })).status).toBe(
        412,
      )
    }
    expect((await world.viewer.call('GET', `${path}/${id}`)).body.name).toBe('New')
    expect(
      (await world.editor.call('PATCH', `${path}/${id}`, { range: '7d' }, { 'if-match': '*' })).body,
    ).toMatchObject({ range: '7d', revision: 4 })
  })

  test('of several writers that saw one revision, one saves', async () => {
    const id = await create(board('Race'))
    const write = (i: number) =>
      world.editor.call('PATCH', `${path}/${id}`, { name: `Race ${i}` }, { 'if-match': '"1"' })
    const writers = await world.sql.begin(async (tx) => {
      // Nobody gets past counting its change, until every writer is as far as it can be.
      await tx`update change_counter set n = n where name = 'dashboards'`
      const writers = Promise.all([1, 2, 3, 4, 5].map(write))
      await until('all to wait', async () => {
        const waiting = await world.sql`select from pg_locks join pg_stat_activity using (pid)
          where datname = current_database() and not granted`
        return waiting.length === 5
      })
      return { done: writers }
    })
    const statuses = (await writers.done).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 412, 412, 412, 412])
  })

  test('that is saved unchanged keeps its revision', async () => {
    const id = await create(board('Same'))
    const reply = await world.editor.call('PUT', `${path}/${id}`, board('Same'), { 'if-match': '"1"' })
    expect([reply.status, reply.body.revision]).toEqual([200, 1])
  })

  test('keeps counts that nobody knows, and markdown without counts', async () => {
    const panels = [
      number('one', 0, 0, { counts: { ids: ['no.such.count'] } }),
      {
        id: 'two',
        type: 'markdown',
        title: 'Note',
        text: '# 안녕 **세계**\n',
        layout: { x: 3, y: 0, w: 9, h: 2 },
      },
      number('three', 0, 2, {
        type: 'gauge',
        counts: { tag: '태그' },
        min: 0,
        max: 10,
        thresholds: [{ at: 5, tone: 'bad' }],
      }),
      number('four', 3, 2, {
        type: 'line',
        counts: { prefix: 'shop:' },
        range: '7d',
        measure: 'change',
        unit: '원',
      }),
    ]
    const id = await create(board('Unknown', panels))
    expect((await world.viewer.call('GET', `${path}/${id}`)).body.panels).toEqual(
      panels.map((panel) => ({ title: '', ...panel })),
    )
  })

  test('may have 200 panels and not 201', async () => {
    const panels = Array.from({ length: 201 }, (_, i) => number(`p${i}`, (i % 4) * 3, Math.floor(i / 4) * 2))
    const refused = await world.editor.call('POST', path, board('Many', panels))
    expect([refused.status, refused.body.errors]).toEqual([
      400,
      [{ path: 'panels', message: expect.any(String) }],
    ])
    await create(board('Many', panels.slice(0, 200)))
  })

  test.for<[string, object, string[]]>([
    ['no name', { panels: [] }, ['name']],
    ['a blank name', board(' \t '), ['name']],
    ['a name with half a surrogate pair', board('a\ud800'), ['name']],
    ['a range that is none', { ...board('x'), range: '2h' }, ['range']],
    ['a field that is none', { ...board('x'), colour: 'red' }, ['colour']],
    ['a panel of no type', board('x', [number('a', 0, 0, { type: 'pie' })]), ['panels.0.type']],
    [
      'a panel without an id',
      board('x', [{ type: 'number', counts: { ids: ['a'] }, layout: { x: 0, y: 0, w: 1, h: 1 } }]),
      ['panels.0.id'],
    ],
    ['two panels of one id', board('x', [number('a', 0, 0), number('a', 3, 0)]), ['panels.1.id']],
    [
      'overlapping panels',
      board('x', [number('a', 0, 0), number('b', 6, 0), number('c', 2, 1)]),
      ['panels.2.layout'],
    ],
    ['a panel that ends beyond the grid', board('x', [number('a', 10, 0)]), ['panels.0.layout']],
    ['a panel that begins beyond it', board('x', [number('a', 12, 0)]), ['panels.0.layout.x']],
    ['a panel left of it', board('x', [number('a', -1, 0)]), ['panels.0.layout.x']],
    ['half a column', board('x', [number('a', 0.5, 0)]), ['panels.0.layout.x']],
    [
      'no height',
      board('x', [number('a', 0, 0, { layout: { x: 0, y: 0, w: 1, h: 0 } })]),
      ['panels.0.layout.h'],
    ],
    ['a chart without counts', board('x', [number('a', 0, 0, { counts: undefined })]), ['panels.0.counts']],
    ['a selection of nothing', board('x', [number('a', 0, 0, { counts: {} })]), ['panels.0.counts']],
    [
      'two selections',
      board('x', [number('a', 0, 0, { counts: { ids: ['a'], tag: 'b' } })]),
      ['panels.0.counts'],
    ],
    [
      'a count twice',
      board('x', [number('a', 0, 0, { counts: { ids: ['a', 'b', 'a'] } })]),
      ['panels.0.counts.ids'],
    ],
    [
      'an id that is none',
      board('x', [number('a', 0, 0, { counts: { ids: ['A B'] } })]),
      ['panels.0.counts.ids.0'],
    ],
    ['a text on a chart', board('x', [number('a', 0, 0, { text: 'x' })]), ['panels.0.text']],
    [
      'markdown without text and with counts',
      board('x', [number('a', 0, 0, { type: 'markdown' })]),
      ['panels.0.text', 'panels.0.counts'],
    ],
    ['a gauge from more to less', board('x', [number('a', 0, 0, { min: 2, max: 1 })]), ['panels.0.max']],
    [
      'two tones at one value',
      board('x', [
        number('a', 0, 0, {
          thresholds: [
            { at: 1, tone: 'good' },
            { at: 1, tone: 'bad' },
          ],
        }),
      ]),
      ['panels.0.thresholds'],
    ],
  ])('is refused with %s, path by path', async ([, body, paths]) => {
    const reply = await world.editor.call('POST', path, body)
    expect(reply.status).toBe(400)
    expect([...new Set(reply.body.errors.map((error) => error.path))]).toEqual(paths)
    const id = await create(board('Good'))
    const replaced = await world.editor.call('PUT', `${path}/${id}`, body, { 'if-match': '*' })
    expect(replaced.body.errors).toEqual(reply.body.errors)
  })

  test('is patched only into what may be saved', async () => {
    const id = await create(board('Patch'))
    const patch = (body: object) => world.editor.call('PATCH', `${path}/${id}`, body, { 'if-match': '*' })
    const overlap = await patch({ panels: [number('a', 0, 0), number('b', 0, 1)] })
    expect([overlap.status, overlap.body.errors]).toEqual([
      400,
      [{ path: 'panels.1.layout', message: 'overlaps the panel a' }],
    ])
    expect((await patch({ colour: 'red' })).status).toBe(400)
    expect((await patch({})).body.revision).toBe(1)
  })

  test('that nobody knows is 404, whatever is asked of it', async () => {
    for (const id of ['none', 'x'.repeat(64), '%EC%97%86%EC%9D%8C']) {
      for (const [method, url, body] of [
        ['GET', '', undefined],
        ['PUT', '', board('x')],
        ['PATCH', '', { name: 'x' }],
        ['DELETE', '', undefined],
        ['POST', '/duplicate', undefined],
        ['GET', '/export', undefined],
        ['GET', '/revisions', undefined],
        ['GET', '/revisions/1', undefined],
        ['POST', '/revisions/1/restore', undefined],
        ['GET', '/shares', undefined],
        ['POST', '/shares', {}],
        ['DELETE', '/shares/none', undefined],
      ] as const) {
        const reply = await world.editor.call(method, `${path}/${id}${url}`, body, { 'if-match': '*' })
        expect([method, url, reply.status]).toEqual([method, url, 404])
      }
    }
  })
})

describe('the list', () => {
  test('is searched by a part of the name in any case, and paged in each order without a gap', async () => {
    const names = [
      'Zebra list',
      'apple LIST',
      'Émile list',
      'list 100%',
      'list 100_',
      '가나 list',
      'Middle list',
    ]
    for (const name of names) await create(board(name))
    const all = async (query: string) => {
      const found: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const page = await world.viewer.call(
          'GET',
          `${path}?limit=2&${query}${cursor && `&cursor=${cursor}`}`,
        )
        expect(page.status).toBe(200)
        found.push(...page.body.items.map((item) => item.name))
        cursor = page.body.nextCursor
      }
      return found
    }
    const byName = [
      'apple LIST',
      'list 100%',
      'list 100_',
      'Middle list',
      'Zebra list',
      'Émile list',
      '가나 list',
    ]
    expect(await all('q=LiSt&sort=name')).toEqual(byName)
    expect(await all('q=LiSt&sort=-name')).toEqual(byName.toReversed())
    expect(await all('q=list&sort=updatedAt')).toEqual(names)
    expect(await all('q=list')).toEqual(names.toReversed())
    expect(await all('q=100%25')).toEqual(['list 100%'])
    expect(await all('q=100_')).toEqual(['list 100_'])
    expect(await all('q=%EA%B0%80')).toEqual(['가나 list'])
    const [item] = (await world.viewer.call('GET', `${path}?q=zebra`)).body.items
    expect(item).toMatchObject({
      name: 'Zebra list',
      range: '24h',
      panels: 1,
      shares: 0,
      revision: 1,
      createdBy: 'editor',
    })
  })

  test.for(['cursor=nonsense', 'limit=0', 'sort=size', 'more=1'])('%s is refused', async (query) => {
    expect((await world.viewer.call('GET', `${path}?${query}`)).status).toBe(400)
  })

  test('does not take the cursor of another order', async () => {
    const { nextCursor } = (await world.viewer.call('GET', `${path}?limit=1&sort=name`)).body
    const reply = await world.viewer.call('GET', `${path}?limit=1&cursor=${nextCursor}`)
    expect([reply.status, reply.body.errors[0]?.path]).toEqual([400, 'cursor'])
  })
})

describe('the trash', () => {
  test('keeps what was deleted, and gives it back whole', async () => {
    const id = await create(board('Bin'))
    await world.editor.call('PATCH', `${path}/${id}`, { name: 'Bin 2' }, { 'if-match': '"1"' })
    expect(
      (await world.editor.call('DELETE', `${path}/${id}`, undefined, { 'if-match': '"1"' })).status,
    ).toBe(412)
    expect((await world.admin.call('DELETE', `${path}/${id}`, undefined, { 'if-match': '"2"' })).status).toBe(
      204,
    )
    expect((await world.viewer.call('GET', `${path}/${id}`)).status).toBe(404)
    expect((await world.viewer.call('GET', `${path}?q=Bin`)).body.items).toEqual([])
    const trash = await world.viewer.call('GET', `${path}/trash`)
    expect(trash.body.items).toEqual([
      { id, name: 'Bin 2', deletedAt: expect.any(String), deletedBy: 'admin', purgedAt: expect.any(String) },
    ])
    const back = await world.editor.call('POST', `${path}/trash/${id}/restore`)
    expect([back.status, back.headers.etag, back.body.name]).toEqual([200, '"2"', 'Bin 2'])
    expect((await world.viewer.call('GET', `${path}/${id}/revisions`)).body.items).toHaveLength(2)
    expect((await world.editor.call('POST', `${path}/trash/${id}/restore`)).status).toBe(404)
    expect((await world.viewer.call('GET', `${path}/trash`)).body.items).toEqual([])
  })

  test('is paged, the latest first', async () => {
    for (const name of ['t1', 't2', 't3']) {
      const id = await create(board(name))
      await world.editor.call('DELETE', `${path}/${id}`, undefined, { 'if-match': '*' })
    }
    const first = await world.viewer.call('GET', `${path}/trash?limit=2`)
    expect(first.body.items.map(({ name }) => name)).toEqual(['t3', 't2'])
    const second = await world.viewer.call('GET', `${path}/trash?limit=2&cursor=${first.body.nextCursor}`)
    expect([second.body.items.map(({ name }) => name), second.body.nextCursor]).toEqual([['t1'], null])
  })
})

describe('revisions', () => {
  test('are every save, read and restored as a new one', async () => {
    const id = await create(board('Rev 1'))
    await world.editor.call('PUT', `${path}/${id}`, board('Rev 2', []), { 'if-match': '"1"' })
    const restored = await world.admin.call('POST', `${path}/${id}/revisions/1/restore`)
    expect([restored.status, restored.headers.etag, restored.body.name]).toEqual([200, '"3"', 'Rev 1'])
    const { items } = (await world.viewer.call('GET', `${path}/${id}/revisions`)).body
    expect(items).toEqual([
      { revision: 3, name: 'Rev 1', panels: 1, savedAt: expect.any(String), savedBy: 'admin', restored: 1 },
      {
        revision: 2,
        name: 'Rev 2',
        panels: 0,
        savedAt: expect.any(String),
        savedBy: 'editor',
        restored: null,
      },
      {
        revision: 1,
        name: 'Rev 1',
        panels: 1,
        savedAt: expect.any(String),
        savedBy: 'editor',
        restored: null,
      },
    ])
    const second = await world.viewer.call('GET', `${path}/${id}/revisions/2`)
    expect(second.body.body).toEqual(board('Rev 2', []))
    const page = await world.viewer.call('GET', `${path}/${id}/revisions?limit=2`)
    const rest = await world.viewer.call(
      'GET',
      `${path}/${id}/revisions?limit=2&cursor=${page.body.nextCursor}`,
    )
    expect(rest.body.items.map(({ revision }) => revision)).toEqual([1])
  })

  test('are restored only over the revision that the caller saw, where it says which', async () => {
    const id = await create(board('Guard'))
    await world.editor.call('PATCH', `${path}/${id}`, { name: 'Guard 2' }, { 'if-match': '"1"' })
    const restore = (match: string) =>
      world.editor.call('POST', `${path}/${id}/revisions/1/restore`, undefined, { 'if-match': match })
    expect((await restore('"1"')).status).toBe(412)
    expect((await restore('"2"')).status).toBe(200)
    expect((await world.editor.call('POST', `${path}/${id}/revisions/9/restore`)).status).toBe(404)
    expect((await world.editor.call('POST', `${path}/${id}/revisions/x/restore`)).status).toBe(400)
  })

  test('are kept back to the hundredth', async () => {
    const id = await create(board('Save 1'))
    for (let n = 2; n <= 103; n++) {
      await world.editor.call('PATCH', `${path}/${id}`, { name: `Save ${n}` }, { 'if-match': '*' })
    }
    const { items } = (await world.viewer.call('GET', `${path}/${id}/revisions?limit=1000`)).body
    expect([items.length, items[0]?.revision, items.at(-1)?.revision]).toEqual([100, 103, 4])
    expect((await world.viewer.call('GET', `${path}/${id}/revisions/3`)).status).toBe(404)
  })
})

describe('copies', () => {
  test('of a dashboard have an id of their own', async () => {
    const id = await create(board('Copy'))
    const copy = await world.admin.call('POST', `${path}/${id}/duplicate`)
    expect(copy.status).toBe(201)
    expect(copy.body).toMatchObject({ name: 'Copy (2)', revision: 1, createdBy: 'admin' })
    expect(copy.body.id).not.toBe(id)
    const named = await world.editor.call('POST', `${path}/${id}/duplicate`, { name: 'Other' })
    expect(named.body.name).toBe('Other')
    const long = await create(board('x'.repeat(200)))
    expect((await world.editor.call('POST', `${path}/${long}/duplicate`)).body.name).toHaveLength(200)
  })

  test('go out and come in as a file', async () => {
    const id = await create(board('File', [number('one', 0, 0, { thresholds: [{ at: 5, tone: 'warn' }] })]))
    const file = await world.viewer.call('GET', `${path}/${id}/export`)
    expect(file.headers['content-disposition']).toBe(`attachment; filename="dashboard-${id}.json"`)
    const imported = await world.editor.call('POST', `${path}/import`, file.text)
    expect(imported.status).toBe(201)
    expect(imported.body.id).not.toBe(id)
    const again = await world.viewer.call('GET', `${path}/${imported.body.id}/export`)
    expect(again.body).toEqual(file.body)
  })

  test.for<[string, object | string, string[]]>([
    ['that is no JSON', '{ "format": ', []],
    ['that is another kind of JSON', [], ['']],
    ['of another kind', { format: 'other', version: 1, dashboard: board('x') }, ['format']],
    ['of a later version', { format: 'count-dashboard', version: 2, dashboard: board('x') }, ['version']],
    [
      'with wrong panels',
      { format: 'count-dashboard', version: 1, dashboard: board('x', [number('a', 0, -1), {}]) },
      [
        'dashboard.panels.0.layout.y',
        'dashboard.panels.1.id',
        'dashboard.panels.1.type',
        'dashboard.panels.1.layout',
      ],
    ],
    [
      'with overlapping panels',
      {
        format: 'count-dashboard',
        version: 1,
        dashboard: board('x', [number('a', 0, 0), number('b', 1, 0)]),
      },
      ['dashboard.panels.1.layout'],
    ],
  ])('a file %s is refused, path by path', async ([, body, paths]) => {
    const reply = await world.editor.call('POST', `${path}/import`, body)
    expect(reply.status).toBe(400)
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect([...new Set((reply.body.errors ?? []).map((error) => error.path))].sort()).toEqual(
      paths.toSorted(),
    )
  })

  test('of another type than JSON are refused', async () => {
    const reply = await world.editor.call('POST', `${path}/import`, 'name', { 'content-type': 'text/csv' })
    expect(reply.status).toBe(415)
  })
})

describe('templates', () => {
  test('make a valid dashboard for every way to name counts, in both languages', async () => {
    const { items } = (await world.viewer.call('GET', `${path}/templates`)).body
    expect(items.length).toBeGreaterThanOrEqual(4)
    const ways: Record<string, object> = {
      ids: { ids: Array.from({ length: 30 }, (_, i) => `count.${i}`) },
      prefix: { prefix: 'shop:' },
      tag: { tag: '매출' },
    }
    for (const { id, takes } of items) {
      for (const counts of takes.length === 0 ? [undefined] : takes.map((way) => ways[way])) {
        for (const language of ['en', 'ko']) {
          const reply = await world.editor.call('POST', `${path}/templates/${id}`, { counts, language })
          expect([id, counts, reply.status, reply.body.errors]).toEqual([id, counts, 201, undefined])
          expect(reply.body.panels.length).toBeGreaterThan(0)
        }
      }
    }
  })

  test('want what they take, and nothing else', async () => {
    const use = (template: string, body: object) =>
      world.editor.call('POST', `${path}/templates/${template}`, body)
    expect((await use('overview', {})).body.errors[0]?.path).toBe('counts')
    expect((await use('overview', { counts: {} })).body.errors[0]?.path).toBe('counts')
    expect((await use('flights', { counts: { tag: 'x' } })).body.errors[0]?.path).toBe('counts')
    expect((await use('none', {})).status).toBe(404)
    expect((await use('flights', { name: 'Mine' })).body.name).toBe('Mine')
  })
})
