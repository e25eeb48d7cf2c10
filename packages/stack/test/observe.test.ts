import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { until } from '../src/until.ts'
import { startWholeSystem, type WholeSystem } from './whole-system.ts'

const patience = 240_000
const root = join(import.meta.dirname, '../../..')
const read = (path: string) => readFile(join(root, path), 'utf8')
const id = 'observed.count-of-its-own'

let system: WholeSystem
let metrics: string
let [alerts, board, runbook] = ['', '', '']
beforeAll(async () => {
  ;[alerts, board, runbook] = await Promise.all([
    read('deploy/observe/alerts.yml'),
    read('deploy/observe/grafana/count.json'),
    read('docs/operations.md'),
  ])
  system = await startWholeSystem()
  const { url, apiKey } = system
  await system.post('/api/v1/admin/counts', { id, name: 'Observed' }, z.unknown())
  for (const [method, path] of [
    ['POST', `/api/v1/counts/${id}/increment`],
    ['GET', `/api/v1/counts/${id}`],
    ['GET', '/api/v1/counts/nothing'],
  ] as const)
    await fetch(url + path, { method, headers: { authorization: `Bearer ${apiKey}` } })
  await until('the count to be read', async () => {
    metrics = await (await fetch(`${url}/metrics`)).text()
    return /http_request_duration_seconds_count\{method="GET",route="\/api\/v1\/counts\/:id",status="404"\} 1/.test(
      metrics,
    )
  })
}, patience)
afterAll(() => system?.stop())

/** Names of metrics in PromQL expressions: what is neither a function, a keyword nor a label. */
function namesIn(expressions: string[]): string[] {
  const names = expressions.flatMap(
    (expression) =>
      expression
        .replace(/\\?"[^"]*"/g, '')
        .replace(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, '')
        .replace(/\{[^}]*\}/g, ' ')
        .replace(/\[[^\]]*\]/g, ' ')
        .match(/\b[a-z][a-z0-9]*(_[a-z0-9]+)+\b(?!\s*\()/g) ?? [],
  )
  return [...new Set(names)].sort()
}
const exprsOf = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, expr]) => String(expr))

describe('what is watched is there', () => {
  test.for([
    ['alerts', () => exprsOf(alerts, /^\s+expr: (.*)$/gm)],
    ['the Grafana dashboard', () => exprsOf(board, /"expr": "((?:[^"\\]|\\.)*)"/g)],
  ] as const)('every metric of %s is exposed', ([, expressions]) => {
    const names = namesIn(expressions())
    expect(names.length).toBeGreaterThan(5)
    expect(names.filter((name) => !new RegExp(`^${name}[ {]`, 'm').test(metrics))).toEqual([])
  })

  test('every alert has a section in the runbook, and leads to it', () => {
    const names = exprsOf(alerts, /- alert: (\w+)/g)
    expect(exprsOf(alerts, /runbook: docs\/operations\.md#(\w+)/g)).toEqual(
      names.map((name) => name.toLowerCase()),
    )
    const headings = exprsOf(runbook, /^### (.*)$/gm)
    expect(names.filter((name) => !headings.includes(name.toLowerCase()))).toEqual([])
  })

  test('no label names a count: a million of them would be a million series', () => {
    expect(metrics).not.toContain(id)
  })
})
