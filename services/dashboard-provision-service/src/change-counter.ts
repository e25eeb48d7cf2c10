import type { Sql, TransactionSql } from '@count/core/postgres'

export type Counted = 'dashboards' | 'alerts'

/**
 * Counts a change, the last lock that a transaction takes: from here to its end no other change is made.
 * @returns its number, which orders the changes
 */
export async function countChange(tx: TransactionSql, name: Counted): Promise<number> {
  const [row] = await tx<
    [{ n: number }]
  >`update change_counter set n = n + 1 where name = ${name} returning n`
  return row.n
}

/** How many changes there were. Read it before what it stands for: that may then be newer, never older. */
export async function changesOf(sql: Sql, name: Counted): Promise<number> {
  const [row] = await sql<[{ n: number }]>`select n from change_counter where name = ${name}`
  return row.n
}
