import type { AlertRule } from '@count/core/alerts'
import type { Sql } from '@count/core/postgres'
import { changesOf } from '../change-counter.ts'
import { type AlertRow, ruleOf } from './alert-rows.ts'

export type LiveRules = ReturnType<typeof createLiveRules>

/** What dashboard-update-service evaluates: every enabled rule with its state, asked for each second. */
export const createLiveRules = (sql: Sql) => ({
  /** A word that changes with any rule and any state. */
  tag: async (): Promise<string> => String(await changesOf(sql, 'alerts')),
  read: async (): Promise<AlertRule[]> =>
    (await sql<AlertRow[]>`select * from alert_rule where enabled order by id`).map(ruleOf),
})
