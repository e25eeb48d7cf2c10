import { expect, test } from 'vitest'
import { createJudge } from '../src/alerts/rule-judge.ts'

test('above opens beyond the threshold and closes when the value has come back by the hysteresis', () => {
  const judge = createJudge({ kind: 'above', at: 100, hysteresis: 10 })
  const after = (value: number, state: 'open' | 'closed') => {
    judge.add(value, 0)
    return judge.judge(state, 0)
  }
  expect(judge.judge('closed', 0)).toBe('closed')
  expect(after(100, 'closed')).toBe('closed')
  expect(after(101, 'closed')).toBe('open')
  expect(after(91, 'open')).toBe('open')
  expect(after(91, 'closed')).toBe('closed')
  expect(after(90, 'open')).toBe('closed')
})

test('below is above, turned over', () => {
  const judge = createJudge({ kind: 'below', at: -5, hysteresis: 0 })
  judge.add(-5, 0)
  expect(judge.judge('open', 0)).toBe('closed')
  judge.add(-6, 0)
  expect(judge.judge('closed', 0)).toBe('open')
})

test('changes compares the value with every one that it had within the window, and with the one the window began with', () => {
  const judge = createJudge({ kind: 'changes', by: 5, withinS: 60, direction: 'any', hysteresis: 0 })
  judge.add(0, 0)
  judge.add(10, 30_000)
  expect(judge.judge('closed', 30_000)).toBe('open')
  // The 0 stood until 30 s: it leaves the window at 90 s.
  expect(judge.judge('open', 89_000)).toBe('open')
  expect(judge.judge('open', 91_000)).toBe('closed')
  judge.add(4, 100_000)
  expect(judge.judge('closed', 100_000)).toBe('open')
})

test('a direction counts moves that way only, and hysteresis keeps an alert open', () => {
  const up = createJudge({ kind: 'changes', by: 5, withinS: 60, direction: 'up', hysteresis: 2 })
  const down = createJudge({ kind: 'changes', by: 5, withinS: 60, direction: 'down', hysteresis: 0 })
  for (const judge of [up, down]) {
    judge.add(20, 0)
    judge.add(10, 1000)
  }
  expect(up.judge('closed', 1000)).toBe('closed')
  expect(down.judge('closed', 1000)).toBe('open')
  up.add(16, 2000)
  expect(up.judge('closed', 2000)).toBe('open')
  up.add(14, 3000)
  expect(up.judge('open', 3000)).toBe('open')
  up.add(13, 4000)
  expect(up.judge('open', 4000)).toBe('closed')
})

test('a count that changes all the time is remembered in bounded pieces', () => {
  const judge = createJudge({ kind: 'changes', by: 1000, withinS: 10, direction: 'up', hysteresis: 0 })
  for (let n = 0; n < 100_000; n++) {
    judge.add(n, n)
    if (n > 20_000 && n % 1000 === 0) expect(judge.judge('closed', n)).toBe('open')
  }
  expect(judge.judge('open', 200_000)).toBe('closed')
})
