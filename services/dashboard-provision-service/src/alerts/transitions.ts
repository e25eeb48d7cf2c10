import type { AlertState, AlertTransition, AlertTransitionResults } from '@count/core/alerts'
import type { Answer } from '@count/core/answer'
import { pageOf, positionOf } from '@count/core/page-cursor'
import type { Sql, TransactionSql } from '@count/core/postgres'
import { z } from 'zod'
import { countChange } from '../change-counter.ts'
import { randomId } from '../random-id.ts'
import type { Page, PageQuery } from '../schemas.ts'
import { type AlertRow, alertRow, noAlert } from './alert-rows.ts'
import type { TransitionView } from './schemas.ts'

export type Transitions = ReturnType<typeof createTransitions>
type Result = AlertTransitionResults['results'][number]

interface Row {
  n: number
  state: AlertState
  count: string
  value: number | null
  version: number | null
  at: Date
}

const position = z.tuple([z.int()])

/**
 * What happened to alerts. Every evaluator tells every transition that it sees; each is taken once, in the order of the count's versions.
 * @param onTransition there is something to send
 */
export function createTransitions({ sql, onTransition }: { sql: Sql; onTransition: () => void }) {
  /** Takes those that are new; a result for each, in order. */
  async function record(transitions: AlertTransition[]): Promise<Result[]> {
    const ids = [...new Set(transitions.map(({ rule }) => rule))]
    const rows = await sql<AlertRow[]>`select * from alert_rule where id = any(${ids})`
    const rules = new Map(rows.map((row) => [row.id, row]))
    const results: Result[] = []
    for (const transition of transitions) {
      // Most are told by another process too, and need no transaction to be refused.
      const known = judge(rules.get(transition.rule), transition)
      if (known) {
        results.push(known)
        continue
      }
      const { result, row } = await sql.begin(async (tx) => {
        const row = await alertRow(tx, transition.rule, true)
        const judged = judge(row, transition)
        if (judged || !row) return { result: judged ?? unknown(transition), row }
        await countChange(tx, 'alerts')
        return { result: accepted(transition), row: await move(tx, row, transition) }
      })
      results.push(result)
      if (row) rules.set(row.id, row)
    }
    onTransition()
    return results
  }

  /** What happened to one alert, newest first. */
  async function history(rule: string, { cursor, limit }: PageQuery): Promise<Answer<Page<TransitionView>>> {
    const before = positionOf(cursor, position)
    if (!before.ok) return before
    if (!(await alertRow(sql, rule))) return noAlert
    const rows = await sql<
      Row[]
    >`select n, state, count, value, version, at from alert_transition where rule = ${rule}
      ${before.value ? sql`and n < ${before.value[0]}` : sql``} order by n desc limit ${limit + 1}`
    return pageOf(rows, limit, viewOf, ({ n }) => [n])
  }

  return { record, history }
}

const unknown = ({ rule }: AlertTransition): Result => ({ rule, accepted: false, state: null })
const accepted = ({ rule, state }: AlertTransition): Result => ({ rule, accepted: true, state })

/** What comes of a transition of this rule without taking it; undefined when it is to be taken. */
function judge(rule: AlertRow | undefined, transition: AlertTransition): Result | undefined {
  if (!rule?.enabled) return unknown(transition)
  const result = (accepted: boolean): Result => ({ rule: rule.id, accepted, state: rule.state })
  const { revision, count, version, state } = transition
  if (revision !== rule.revision || count !== rule.count) return result(false)
  if (state === rule.state) return result(version === rule.version)
  if (rule.version === null || version > rule.version) return undefined
  // At one version an alert may still close, as time alone can do that; it does not open again.
  return version === rule.version && state === 'closed' ? undefined : result(false)
}

/**
 * Brings a rule into another state and puts the webhook that says so into the outbox, in the caller's transaction.
 * @param to `version` null: the rule was changed, not its count
 */
export async function move(
  tx: TransactionSql,
  rule: AlertRow,
  to: { state: AlertState; version: number | null; value: number | null; at: string },
): Promise<AlertRow> {
  const { state, version, value, at } = to
  const [made] = await tx<[{ n: number }]>`insert into alert_transition ${tx({
    rule: rule.id,
    revision: rule.revision,
    count: rule.count,
    version,
    state,
    value,
    at,
  })} returning n`
  if (rule.url !== null) {
    const type = state === 'open' ? 'alert.opened' : 'alert.closed'
    const data = { ...ruleInWebhook(rule), state, value, version, cause: version === null ? 'rule' : 'value' }
    await tx`insert into alert_delivery ${tx({
      id: `msg_${randomId()}`,
      rule: rule.id,
      transition: made.n,
      type,
      body: JSON.stringify({ type, timestamp: at, data }),
    })}`
  }
  const [row] = await tx<
    [AlertRow]
  >`update alert_rule set state = ${state}, since = ${at}, version = ${version}, value = ${value}
    where id = ${rule.id} returning *`
  return row
}

/** What a webhook tells about the rule. */
export const ruleInWebhook = ({ id, name, count, condition }: AlertRow) => ({
  alert: { id, name, condition },
  count,
})

const viewOf = (row: Row): TransitionView => ({
  id: String(row.n),
  state: row.state,
  count: row.count,
  value: row.value,
  version: row.version,
  cause: row.version === null ? 'rule' : 'value',
  at: row.at.toISOString(),
})
