import type { AlertRule, AlertState, AlertTransition } from '@count/core/alerts'
import type { CountReader } from '@count/core/count-reader'
import type { ShownAlert } from '@count/core/dashboard-frames'
import { bucketOf, bucketStart, type PastRecord } from '@count/core/history'
import type { Zone } from '@count/core/zone'
import type { LiveCount, LiveCounts } from '../live-counts.ts'
import { levelsOf } from '../range-buckets.ts'
import { createJudge, type Judge } from './rule-judge.ts'

/** A rule as this process sees it. */
interface Watched {
  rule: AlertRule
  judge: Judge
  state: AlertState
  /** Of the last transition. */
  version: number
  value: number | null
  since: string | null
  /** Whether the window holds what was before this process began. */
  ready: boolean
}

export interface EvaluatorOptions {
  live: LiveCounts
  reader: Pick<CountReader, 'pasts'>
  zone: Zone
  /** Takes what is to be told to provision. */
  tell: (transition: AlertTransition) => void
  /** A rule on this count has another state, or is another rule. */
  changed: (count: string) => void
}

export type Evaluator = ReturnType<typeof createEvaluator>

/**
 * Judges the alert rules by the values that come in (DashboardUpdater). Every update process does so, by the same events and
 * versions; provision takes each transition once.
 */
export function createEvaluator({ live, reader, zone, tell, changed }: EvaluatorOptions) {
  const rules = new Map<string, Watched>()
  const byCount = new Map<string, Set<Watched>>()
  const watcher = {
    valueChanged(count: LiveCount) {
      for (const watched of byCount.get(count.id) ?? []) see(watched, count)
    },
    infoChanged() {},
  }

  /** Rules as provision has them now. */
  function take(next: AlertRule[]): void {
    const ids = new Set(next.map(({ id }) => id))
    for (const [id, watched] of rules) if (!ids.has(id)) remove(watched)
    for (const rule of next) {
      const watched = rules.get(rule.id)
      if (watched?.rule.revision !== rule.revision) {
        if (watched) remove(watched)
        void begin(rule)
      } else adopt(watched, rule)
    }
  }

  /** What another process found, if it is later than what was found here. */
  function adopt(watched: Watched, rule: AlertRule): void {
    const renamed = rule.name !== watched.rule.name
    watched.rule = rule
    const later = (rule.version ?? 0) > watched.version
    if (later) assume(watched, rule)
    if (later || renamed) changed(rule.count)
  }

  function assume(watched: Watched, { state, version, value, since }: AlertRule): void {
    Object.assign(watched, { state, version: version ?? 0, value, since })
  }

  async function begin(rule: AlertRule): Promise<void> {
    const { id, count, condition } = rule
    const watched: Watched = {
      rule,
      judge: createJudge(condition),
      state: rule.state,
      version: rule.version ?? 0,
      value: rule.value,
      since: rule.since,
      ready: condition.kind !== 'changes',
    }
    rules.set(id, watched)
    const beside = byCount.get(count) ?? new Set()
    byCount.set(count, beside.add(watched))
    live.watch(count, watcher)
    changed(count)
    await live.load()
    await prepare(watched)
  }

  /** Fills the window of a rule with what the count's history says of the time before now. */
  async function prepare(watched: Watched): Promise<void> {
    const { condition, count } = watched.rule
    if (!watched.ready && condition.kind === 'changes') {
      const now = bucketOf('minute', Date.now(), zone)
      const first = now - Math.ceil(condition.withinS / 60)
      const window = { granularity: 'minute', first, last: now, open: now } as const
      const answer = await reader.pasts([count], window).catch(() => undefined)
      const past = answer?.get(count)
      if (past === undefined || past === 'away') return
      if (typeof past === 'object') watched.judge = fromPast(watched.rule, past.record, first, now)
      watched.ready = true
    }
    const present = live.get(count)
    const removed = rules.get(watched.rule.id) !== watched
    if (!removed && present?.value !== undefined) see(watched, present)
  }

  function fromPast(rule: AlertRule, past: PastRecord, first: number, now: number): Judge {
    const judge = createJudge(rule.condition)
    const minutes = Array.from({ length: now - first + 1 }, (_, i) => first + i)
    const { values } = levelsOf(past, { firsts: minutes })
    // The open minute's changes are not told apart: they count from its end.
    for (const [i, level] of values.slice(0, -1).entries())
      judge.add(level, bucketStart('minute', first + i + 1, zone) - 1)
    return judge
  }

  function see(watched: Watched, { value, version }: LiveCount): void {
    if (value === undefined || !watched.ready) return
    watched.judge.add(value, version / 1000)
    conclude(watched, value, version, version / 1000)
  }

  function conclude(watched: Watched, value: number, version: number, nowMs: number): void {
    const { rule } = watched
    const state = watched.judge.judge(watched.state, nowMs)
    // At one version an alert may open and then close, as time goes on.
    const late = state === 'open' ? version <= watched.version : version < watched.version
    if (state === watched.state || late) return
    const at = new Date(nowMs).toISOString()
    Object.assign(watched, { state, version, value, since: at })
    tell({ rule: rule.id, revision: rule.revision, count: rule.count, version, state, value, at })
    changed(rule.count)
  }

  function remove(watched: Watched): void {
    const { id, count } = watched.rule
    rules.delete(id)
    const beside = byCount.get(count)
    beside?.delete(watched)
    if (beside?.size === 0) {
      byCount.delete(count)
      live.unwatch(count, watcher)
    }
    changed(count)
  }

  return {
    take,
    /** Each second: a change that was long enough ago closes what it opened. */
    async tick(): Promise<void> {
      for (const watched of [...rules.values()]) {
        if (!watched.ready) await prepare(watched)
        const count = live.get(watched.rule.count)
        if (watched.ready && watched.rule.condition.kind === 'changes' && count?.value !== undefined)
          conclude(watched, count.value, count.version, Date.now())
      }
    },
    /** What provision made of a transition: its word counts. */
    settled(rule: string, state: AlertState | null): void {
      const watched = rules.get(rule)
      if (!watched || state === null || state === watched.state) return
      watched.state = state
      changed(watched.rule.count)
    },
    /** The rules on these counts as pages show them. */
    of(ids: Iterable<string>): ShownAlert[] {
      return [...ids].flatMap((id) =>
        Array.from(byCount.get(id) ?? [], ({ rule, state, value, since }) => ({
          rule: rule.id,
          name: rule.name,
          count: rule.count,
          state,
          value,
          since,
        })),
      )
    },
  }
}
