import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RoutePlugin } from '@count/core/http'
import { refuse } from '@count/core/http'
import { problem } from '@count/core/problem'
import { contentSecurity, pageHeaders } from '@count/web/assets'
import type { Shares } from '../shares.ts'
import { open } from './http.ts'

const file = join(import.meta.dirname, '../../public/share.html')

/**
 * The page of a link: the same file whatever the token, in frames of the origins that the link names only. It asks the API for what it shows, and
 * is told there too when the link is none (any more), so its 404 is a page as well.
 */
export const sharePage =
  (shares: Shares): RoutePlugin =>
  async (app) => {
    app.get<{ Params: { token: string } }>(
      '/dashboards/share/:token',
      { config: open, schema: { hide: true } },
      async (request, reply) => {
        const opened = await shares.open(request.params.token)
        if (!opened && !request.headers.accept?.includes('text/html'))
          return refuse(reply, problem('not-found'))
        const frames = opened?.frameAncestors.join(' ') || "'none'"
        return reply
          .code(opened ? 200 : 404)
          .headers({
            ...pageHeaders,
            'content-security-policy': contentSecurity.replace(
              "frame-ancestors 'none'",
              `frame-ancestors ${frames}`,
            ),
            // The address is the secret.
            'referrer-policy': 'no-referrer',
            'x-robots-tag': 'noindex',
            'cache-control': 'no-store',
            'content-type': 'text/html; charset=utf-8',
          })
          .send(await readFile(file, 'utf8'))
      },
    )
  }
