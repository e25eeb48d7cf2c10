import { randomBytes, randomInt } from 'node:crypto'
import autocannon from 'autocannon'
import type { Generator, Load } from './load.ts'

const operation = (id: string) => ({ id, op: 'increment', amount: 1 })

/** The next call of a load, as wrk.lua makes it. */
function call({ kind, prefix, ids, first = 0 }: Load, sent: number): { path: string; body?: string } {
  const id = () => `${prefix}${randomInt(ids)}`
  switch (kind) {
    case 'increment':
      return { path: `/api/v1/counts/${id()}/increment`, body: '{"amount":1}' }
    case 'batch':
      return {
        path: '/api/v1/counts/batch',
        body: JSON.stringify({ operations: Array.from({ length: 100 }, () => operation(id())) }),
      }
    case 'read':
      return { path: `/api/v1/counts/${id()}` }
    case 'strong':
      return { path: `/api/v1/counts/${id()}?consistency=strong` }
    case 'fresh':
      return { path: `/api/v1/counts/${prefix}${(first + sent) % ids}` }
    case 'incr':
      return { path: `/INCR/${id()}` }
    case 'get':
      return { path: `/GET/${id()}` }
  }
}

/** The load generator where there is no wrk: npm's autocannon. Itself in JavaScript, it reaches lower rates. */
export const cannon: Generator = {
  name: 'autocannon',
  async send(load, seconds) {
    const run = randomBytes(6).toString('hex')
    let sent = 0
    const setupRequest = (request: autocannon.Request): autocannon.Request => {
      sent++
      const { path, body } = call(load, sent)
      const headers = { authorization: `Bearer ${load.apiKey}` }
      if (body === undefined) return { ...request, method: 'GET', path, headers }
      const more = { 'idempotency-key': `${run}-${sent}`, 'content-type': 'application/json' }
      return { ...request, method: 'POST', path, body, headers: { ...headers, ...more } }
    }
    const { latency, duration, errors, timeouts, non2xx, ...result } = await autocannon({
      url: load.url,
      connections: load.connections,
      duration: seconds,
      requests: [{ setupRequest }],
    })
    return {
      rate: result['2xx'] / duration,
      failed: errors + timeouts + non2xx,
      p50: latency.p50,
      p99: latency.p99,
      p999: latency.p99_9,
    }
  },
}
