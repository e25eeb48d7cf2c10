import type { Answer } from '@count/core/answer'
import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import { z } from 'zod'
import { randomId } from '../random-id.ts'
import type { Page } from '../schemas.ts'
import { alertRow, noAlert } from './alert-rows.ts'
import type { DeliveryQuery, DeliveryView, TestResult } from './schemas.ts'
import { ruleInWebhook } from './transitions.ts'
import type { WebhookSender } from './webhook-sender.ts'

interface Row {
  id: string
  n: number
  rule: string
  rule_name: string
  type: string
  status: DeliveryView['status']
  attempts: number
  next_at: Date
  response_status: number | null
  error: string | null
  created_at: Date
  finished_at: Date | null
}

export type Deliveries = ReturnType<typeof createDeliveries>

const position = z.tuple([z.int()])

/** The outbox of webhooks as administrators see it. */
export function createDeliveries({
  sql,
  sender,
  onPending,
}: {
  sql: Sql
  sender: WebhookSender
  onPending: () => void
}) {
  const columns = sql`d.id, d.n, d.rule, (select name from alert_rule r where r.id = d.rule) as rule_name, d.type, d.status,
    d.attempts, d.next_at, d.response_status, d.error, d.created_at, d.finished_at`

  /** Newest first. */
  async function list({ status, rule, cursor, limit }: DeliveryQuery): Promise<Answer<Page<DeliveryView>>> {
    const before = positionOf(cursor, position)
    if (!before.ok) return before
    const rows = await sql<Row[]>`select ${columns} from alert_delivery d where true
      ${status === undefined ? sql`` : sql`and d.status = ${status}`} ${rule === undefined ? sql`` : sql`and d.rule = ${rule}`}
      ${before.value ? sql`and d.n < ${before.value[0]}` : sql``} order by d.n desc limit ${limit + 1}`
    return pageOf(rows, limit, viewOf, ({ n }) => [n])
  }

  /** Sends one that is not pending once more, as if for the first time, under its old id. */
  async function redeliver(id: string): Promise<Answer<DeliveryView>> {
    const [row] = await sql<
      Row[]
    >`update alert_delivery d set status = 'pending', attempts = 0, next_at = now(),
      finished_at = null where d.id = ${id} and d.status <> 'pending'
      and exists (select from alert_rule r where r.id = d.rule and r.url is not null) returning ${columns}`
    if (row) {
      onPending()
      return { ok: true, value: viewOf(row) }
    }
    const [found] = await sql`select from alert_delivery where id = ${id}`
    return {
      ok: false,
      problem: found
        ? problem('conflict', { detail: 'It is on its way already, or its alert has no webhook' })
        : problem('not-found', { detail: 'No such delivery' }),
    }
  }

  /** Sends an example to the alert's webhook at once and tells what came of it; it is not tried again. */
  async function test(rule: string): Promise<Answer<TestResult>> {
    const row = await alertRow(sql, rule)
    if (!row) return noAlert
    if (row.url === null || row.secret === null)
      return { ok: false, problem: problem('conflict', { detail: 'The alert has no webhook' }) }
    const began = performance.now()
    const type = 'alert.test'
    const data = {
      ...ruleInWebhook(row),
      state: row.state,
      value: row.value,
      version: row.version,
      cause: 'test',
    }
    const { delivered, status, error } = await sender.send({
      url: row.url,
      id: `msg_${randomId()}`,
      body: JSON.stringify({ type, timestamp: new Date().toISOString(), data }),
      secrets: [row.secret],
    })
    return { ok: true, value: { delivered, status, error, ms: Math.round(performance.now() - began) } }
  }

  return { list, redeliver, test }
}

const viewOf = (row: Row): DeliveryView => ({
  id: row.id,
  rule: row.rule,
  ruleName: row.rule_name,
  type: row.type,
  status: row.status,
  attempts: row.attempts,
  nextAt: row.status === 'pending' ? row.next_at.toISOString() : null,
  responseStatus: row.response_status,
  error: row.error,
  createdAt: row.created_at.toISOString(),
  finishedAt: row.finished_at?.toISOString() ?? null,
})
