import { join } from 'node:path'
import { createContext, createServer } from '@count/core/service'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pageRoutes } from '../src/assets.ts'
import { openWeb } from '../src/web.ts'

let app: FastifyInstance
beforeAll(async () => {
  const context = createContext('web', 'silent')
  const pages = { name: 'pages', checks: [], close: async () => {} }
  const plugin = pageRoutes('/pages', join(import.meta.dirname, '../public'))
  app = await createServer(context, [await openWeb('/pages/'), { ...pages, plugin }])
})
afterAll(() => app.close())

test.each([
  ['/assets/style.css', 'text/css; charset=utf-8'],
  ['/assets/vendor/preact.js', 'text/javascript; charset=utf-8'],
  ['/assets/vendor/uplot.css', 'text/css; charset=utf-8'],
  ['/assets/vendor/gridstack.js', 'text/javascript; charset=utf-8'],
  ['/assets/vendor/eventsource-parser/parse.js', 'text/javascript; charset=utf-8'],
  ['/assets/vendor/marked.js', 'text/javascript; charset=utf-8'],
  ['/pages/kit', 'text/html; charset=utf-8'],
])('%s is served under a CSP without anything inline, and 304 by its ETag', async (url, type) => {
  const first = await app.inject({ url })
  expect(first.statusCode).toBe(200)
  expect(first.headers['content-type']).toBe(type)
  expect(first.headers['content-security-policy']).toContain("script-src 'self'; style-src 'self'")
  expect(first.headers['x-content-type-options']).toBe('nosniff')
  const again = await app.inject({ url, headers: { 'if-none-match': String(first.headers.etag) } })
  expect([again.statusCode, again.body]).toEqual([304, ''])
})

test('/ leads to the pages, and a prefix without its slash too', async () => {
  expect((await app.inject({ url: '/' })).headers.location).toBe('/pages/')
  expect((await app.inject({ url: '/pages' })).headers.location).toBe('/pages/')
})

test.each([
  '/pages/nothing',
  '/assets/../package.json',
  '/assets/%2e%2e/package.json',
  '/pages/..%2fpackage.json',
])('%s leads nowhere', async (url) => {
  const response = await app.inject({ url })
  expect([400, 403, 404]).toContain(response.statusCode)
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
})
