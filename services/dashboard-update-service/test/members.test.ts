import { maxPanelCounts } from '@count/core/dashboards'
import type { CountInfo } from '@count/core/schemas'
import { expect, test } from 'vitest'
import { afterLifecycle, type Members } from '../src/members.ts'

const info = (id: string, tags: string[] = []): CountInfo => ({
  id,
  name: id,
  description: '',
  unit: '',
  tags,
  min: null,
  max: null,
  initialValue: 0,
  status: 'active',
  metadata: {},
  revision: 1,
  created: 1,
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
})
const some: Members = { ids: ['a:1', 'a:3'], more: false }

test('a count that comes takes its place in the order of ids', () => {
  expect(afterLifecycle(some, { prefix: 'a:' }, 'a:2', info('a:2'))).toEqual({
    ids: ['a:1', 'a:2', 'a:3'],
    more: false,
  })
  expect(afterLifecycle(some, { prefix: 'a:' }, 'a:4', info('a:4'))).toMatchObject({
    ids: ['a:1', 'a:3', 'a:4'],
  })
  expect(afterLifecycle(some, { tag: 't' }, 'a:2', info('a:2', ['t']))).toMatchObject({
    ids: ['a:1', 'a:2', 'a:3'],
  })
})

test('what is not of the panel, or is there already, changes nothing', () => {
  expect(afterLifecycle(some, { prefix: 'a:' }, 'b:1', info('b:1'))).toBe(some)
  expect(afterLifecycle(some, { prefix: 'a:' }, 'a:1', info('a:1'))).toBe(some)
  expect(afterLifecycle(some, { tag: 't' }, 'c', info('c'))).toBe(some)
  expect(afterLifecycle(some, { prefix: 'a:' }, 'a:9', undefined)).toBe(some)
})

test('a count that is deleted or loses the tag goes', () => {
  expect(afterLifecycle(some, { prefix: 'a:' }, 'a:1', undefined)).toEqual({ ids: ['a:3'], more: false })
  expect(afterLifecycle(some, { tag: 't' }, 'a:3', info('a:3'))).toEqual({ ids: ['a:1'], more: false })
})

test('a full panel keeps the first of its counts, and asks who is next when one of them goes', () => {
  const ids = Array.from({ length: maxPanelCounts }, (_, n) => `a:${String(n).padStart(3, '0')}`)
  const full: Members = { ids, more: false }
  expect(afterLifecycle(full, { prefix: 'a:' }, 'a:999', info('a:999'))).toEqual({ ids, more: true })
  const shifted = afterLifecycle(full, { prefix: 'a:' }, 'a:000a', info('a:000a'))
  expect(shifted).toEqual({ ids: ['a:000', 'a:000a', ...ids.slice(1, -1)], more: true })
  expect(afterLifecycle({ ids, more: true }, { prefix: 'a:' }, 'a:000', undefined)).toBe('unknown')
})
