import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type AlertBody, alertBody } from '@count/core/alerts'
import { type Answer, parsed } from '@count/core/answer'
import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql } from '@count/core/postgres'
import { problem } from '@count/core/problem'
import { z } from 'zod'
import { countChange } from '../change-counter.ts'
import { nameFilter } from '../name-filter.ts'
import { randomId } from '../random-id.ts'
import type { Page } from '../schemas.ts'
import { type AlertRow, alertRow, noAlert, viewOf } from './alert-rows.ts'
import { targetFault } from './public-address.ts'
import type { AlertPatch, AlertQuery, AlertView, SavedAlert } from './schemas.ts'
import { move } from './transitions.ts'

export type AlertManager = ReturnType<typeof createAlertManager>

/** Every evaluator holds all of them. */
const maxRules = 5000
const position = z.tuple([z.string(), z.string()])
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`

/**
 * Rules of alerts, and where what they see is sent. A rule that is changed while its alert is open closes it first, and says so.
 * @param onTransition there is something to send
 */
export function createAlertManager({
  sql,
  allowPrivate,
  onTransition,
}: {
  sql: Sql
  allowPrivate: boolean
  onTransition: () => void
}) {
  /** The rule as it may be saved: also its webhook's address is looked at. */
  function checked(input: unknown): Answer<AlertBody> {
    const body = parsed(alertBody, input)
    const fault = body.ok && body.value.webhook && targetFault(body.value.webhook.url, allowPrivate)
    if (!fault) return body
    const errors = [{ path: 'webhook.url', message: fault }]
    return { ok: false, problem: problem('invalid-request', { detail: 'The body is not valid', errors }) }
  }

  async function create(input: unknown, user: string): Promise<Answer<SavedAlert>> {
    const body = checked(input)
    if (!body.ok) return body
    const { name, count, condition, enabled, webhook } = body.value
    const secret = webhook && newSecret()
    return await sql.begin(async (tx): Promise<Answer<SavedAlert>> => {
      await countChange(tx, 'alerts')
      const [rules] = await tx<[{ n: number }]>`select count(*) as n from alert_rule`
      if (rules.n >= maxRules)
        return { ok: false, problem: problem('conflict', { detail: `There are ${maxRules} alerts at most` }) }
      const [row] = await tx<[AlertRow]>`insert into alert_rule ${tx({
        id: randomId(),
        name,
        count,
        condition: tx.json(condition),
        enabled,
        revision: 1,
        url: webhook?.url ?? null,
        secret,
        created_by: user,
        updated_by: user,
      })} returning *`
      return { ok: true, value: { ...viewOf(row), secret } }
    })
  }

  async function find(id: string): Promise<Answer<AlertView>> {
    const row = await alertRow(sql, id)
    return row ? { ok: true, value: viewOf(row) } : noAlert
  }

  /** A page of rules in the order of their names. */
  async function list({ q, count, state, cursor, limit }: AlertQuery): Promise<Answer<Page<AlertView>>> {
    const after = positionOf(cursor, position)
    if (!after.ok) return after
    const [search = '', id = ''] = after.value ?? []
    const rows = await sql<AlertRow[]>`select * from alert_rule where true ${nameFilter(sql, q)}
      ${count === undefined ? sql`` : sql`and count = ${count}`} ${state === undefined ? sql`` : sql`and state = ${state}`}
      ${after.value ? sql`and (search, id) > (${search}, ${id})` : sql``} order by search, id limit ${limit + 1}`
    return pageOf(rows, limit, viewOf, (row) => [row.search, row.id])
  }

  async function save(
    id: string,
    user: string,
    change: (row: AlertRow) => unknown,
  ): Promise<Answer<SavedAlert>> {
    const saved = await sql.begin(async (tx): Promise<Answer<SavedAlert>> => {
      const row = await alertRow(tx, id, true)
      if (!row) return noAlert
      const body = checked(change(row))
      if (!body.ok) return body
      const { name, count, condition, enabled, webhook } = body.value
      const anew = !isDeepStrictEqual([count, condition, enabled], [row.count, row.condition, row.enabled])
      const at = new Date().toISOString()
      if (anew && row.state === 'open')
        await move(tx, row, { state: 'closed', version: null, value: row.value, at })
      const secret = webhook && !row.url ? newSecret() : null
      if (!webhook)
        await tx`update alert_delivery set status = 'dead', finished_at = now(), error = 'the webhook was removed'
          where rule = ${id} and status = 'pending'`
      await countChange(tx, 'alerts')
      const [now] = await tx<[AlertRow]>`update alert_rule set ${tx({
        name,
        count,
        condition: tx.json(condition),
        enabled,
        revision: row.revision + (anew ? 1 : 0),
        url: webhook?.url ?? null,
        secret: webhook ? (secret ?? row.secret) : null,
        ...(webhook ? {} : { previous_secret: null, previous_until: null }),
        ...(anew ? { version: null } : {}),
        updated_at: at,
        updated_by: user,
      })} where id = ${id} returning *`
      return { ok: true, value: { ...viewOf(now), secret } }
    })
    onTransition()
    return saved
  }

  const replace = (id: string, input: unknown, user: string) => save(id, user, () => input)

  const patch = (id: string, input: AlertPatch, user: string) =>
    save(id, user, ({ name, count, condition, enabled, url }) => ({
      ...{ name, count, condition, enabled, webhook: url === null ? null : { url } },
      ...input,
    }))

  /** With its history and deliveries. */
  async function remove(id: string): Promise<Answer<undefined>> {
    return await sql.begin(async (tx): Promise<Answer<undefined>> => {
      const [gone] = await tx`delete from alert_rule where id = ${id} returning id`
      if (!gone) return noAlert
      await countChange(tx, 'alerts')
      return { ok: true, value: undefined }
    })
  }

  /** A new secret of the webhook; the one before signs beside it for a day. */
  async function rotate(id: string, user: string): Promise<Answer<{ secret: string }>> {
    const secret = newSecret()
    const [row] =
      await sql`update alert_rule set secret = ${secret}, previous_secret = secret, updated_at = now(),
      previous_until = now() + interval '1 day', updated_by = ${user} where id = ${id} and url is not null returning id`
    if (row) return { ok: true, value: { secret } }
    if (!(await alertRow(sql, id))) return noAlert
    return { ok: false, problem: problem('conflict', { detail: 'The alert has no webhook' }) }
  }

  return { create, find, list, replace, patch, remove, rotate }
}
