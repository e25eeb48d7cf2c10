import { generateKeyPairSync } from 'node:crypto'
import { signSession } from '@count/core/sessions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { comparisonAnswer, predictionAnswer, trendAnswer } from '../src/schemas/answers.ts'
import comparisonExample from '../src/schemas/examples/comparison.json' with { type: 'json' }
import predictionExample from '../src/schemas/examples/prediction.json' with { type: 'json' }
import trendExample from '../src/schemas/examples/trend.json' with { type: 'json' }
import { openWorld, serviceToken, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** Every route of the service, which are all a viewer's. */
const routes = ['trend', 'comparison', 'prediction'].map((kind) => `/api/v1/analysis/${kind}`)

test.for([
  [trendExample, trendAnswer],
  [comparisonExample, comparisonAnswer],
  [predictionExample, predictionAnswer],
] as const)('the example of an answer is one', ([example, { shape }]) => {
  expect(z.strictObject(shape).safeParse(example).error).toBeUndefined()
})

describe('every route', () => {
  test('is in the list above, and documented with both its answers', () => {
    const paths = Object.entries(world.app.swagger().paths ?? {}).filter(([path]) =>
      path.includes('analysis/'),
    )
    expect(paths.map(([path]) => path).toSorted()).toEqual(routes.toSorted())
    for (const [, { get }] of paths as [string, { get?: Record<string, object> }][]) {
      expect(get).toMatchObject({
        security: [{ session: [] }],
        responses: {
          200: {
            content: {
              'application/json': { schema: { examples: [expect.anything()] } },
              'text/csv': { schema: { examples: [expect.stringContaining('at,')] } },
            },
          },
          400: {},
          401: {},
          403: {},
          404: {},
          406: {},
          503: {},
        },
      })
      const parameters = get?.parameters as { name: string; description?: string; schema: object }[]
      const count = parameters.find(({ name }) => name === 'count')
      expect(JSON.stringify(count)).toContain('shop.orders')
    }
  })

  test('answers 401 without a genuine session, and to an API key or the service token', async () => {
    const claims = { sid: '0', user: 'viewer', role: 'admin' as const, csrf: 'x', exp: 4_000_000_000 }
    const forged = signSession(generateKeyPairSync('ed25519').privateKey, claims)
    const strangers: Record<string, string>[] = [
      {},
      { cookie: 'count_session=' },
      { cookie: `count_session=${forged}` },
      { cookie: `${world.viewer.cookie}x` },
      { authorization: `Bearer ${serviceToken}` },
      { authorization: `Bearer ck_${'0'.repeat(16)}_${'0'.repeat(48)}_00000000` },
    ]
    for (const headers of strangers)
      for (const path of routes) {
        const { status } = await fetch(`${world.url}${path}?count=a`, { headers })
        expect([path, headers, status]).toEqual([path, headers, 401])
      }
  })

  test.for(['viewer', 'editor', 'admin'])('is open to a %s', async (role) => {
    const headers = await world.signIn(role)
    for (const path of routes) {
      const { status } = await fetch(`${world.url}${path}?colour=red`, { headers })
      expect([path, status]).toEqual([path, 400])
    }
  })

  test('has one method', async () => {
    for (const path of routes) {
      const { status, headers } = await fetch(`${world.url}${path}`, {
        method: 'POST',
        headers: world.viewer,
      })
      expect([path, status, headers.get('allow')]).toEqual([path, 405, 'GET, HEAD'])
    }
  })
})
