import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type {} from '@count/core/access'
import { refuse } from '@count/core/http'
import { problem } from '@count/core/problem'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyPluginAsync, RouteShorthandOptions } from 'fastify'

/** Nothing inline, nothing from elsewhere, in nobody's frame. */
export const contentSecurity =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Of every file of a page. */
export const pageHeaders = {
  'content-security-policy': contentSecurity,
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  // Asked again each time, answered 304 by its ETag: pages and the modules they import always fit together.
  'cache-control': 'no-cache',
}

const kit = join(import.meta.dirname, '../public')
const resolved = createRequire(import.meta.url).resolve
const uplot = dirname(resolved('uplot/package.json'))
const gridstack = dirname(resolved('gridstack'))
const events = dirname(resolved('eventsource-parser'))

/** Where the pages import libraries from → the file of the package, and what it is. */
const vendor = {
  '/vendor/preact.js': [join(dirname(resolved('htm')), '../preact/standalone.module.js'), 'javascript'],
  '/vendor/uplot.js': [join(uplot, 'dist/uPlot.esm.js'), 'javascript'],
  '/vendor/uplot.css': [join(uplot, 'dist/uPlot.min.css'), 'css'],
  // Not a module: running it sets `GridStack`.
  '/vendor/gridstack.js': [join(gridstack, 'gridstack-all.js'), 'javascript'],
  '/vendor/gridstack.css': [join(gridstack, 'gridstack.min.css'), 'css'],
  '/vendor/eventsource-parser/parse.js': [join(events, 'parse.js'), 'javascript'],
  '/vendor/eventsource-parser/errors.js': [join(events, 'errors.js'), 'javascript'],
  '/vendor/marked.js': [resolved('marked'), 'javascript'],
} as const

/** Pages hold no data: what they show, they ask the API for, and that asks who they are. */
const page: RouteShorthandOptions = { config: { access: { kind: 'public' } }, schema: { hide: true } }

async function serveFolder(app: FastifyInstance, root: string): Promise<void> {
  await app.register(fastifyStatic, { root, serve: false, cacheControl: false, extensions: ['html'] })
  app.setNotFoundHandler((_request, reply) => refuse(reply, problem('not-found')))
  app.get<{ Params: { '*': string } }>('/*', page, (request, reply) =>
    reply.headers(pageHeaders).sendFile(request.params['*'] || 'index.html'),
  )
}

/** `/assets/*`: style sheet, components, the libraries under them, and `/assets/kit.html`, which shows them all. */
export const assetRoutes: FastifyPluginAsync = async (app) => {
  await app.register(
    async (scope) => {
      await serveFolder(scope, kit)
      for (const [path, [file, type]] of Object.entries(vendor)) {
        const text = readFileSync(file)
        const etag = `"${createHash('sha256').update(text).digest('base64url')}"`
        scope.get(path, page, (request, reply) => {
          reply.headers({ ...pageHeaders, etag, 'content-type': `text/${type}; charset=utf-8` })
          return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(text)
        })
      }
    },
    { prefix: '/assets' },
  )
}

/**
 * The pages in `root` below `prefix` (`/management`), `keys.html` also as `/management/keys`, under a strict CSP.
 * Public: they are static files without data.
 */
export const pageRoutes =
  (prefix: string, root: string): FastifyPluginAsync =>
  async (app) => {
    await app.register(async (scope) => await serveFolder(scope, root), { prefix })
    app.get(prefix, page, (_request, reply) => reply.redirect(`${prefix}/`))
  }

/** `/` leads to the page that `home` names. */
export const homeRoute =
  (home: string): FastifyPluginAsync =>
  async (app) => {
    app.get('/', page, (_request, reply) => reply.redirect(home))
  }
