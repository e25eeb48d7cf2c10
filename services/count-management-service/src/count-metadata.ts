import { problem } from '@count/core/problem'
import { maxMetadataBytes } from './schemas.ts'

const maxDepth = 32

export const metadataFault = (metadata: Record<string, unknown>) =>
  jsonFault(metadata, 'metadata', maxMetadataBytes)

/** Why CountInfoDB could not keep this object: too large, too deep, or text that PostgreSQL's jsonb refuses. */
export function jsonFault(value: Record<string, unknown>, path: string, maxBytes: number) {
  const message =
    Buffer.byteLength(JSON.stringify(value)) > maxBytes
      ? `must be at most ${maxBytes} bytes of JSON`
      : unstorable(value, maxDepth)
  return message === undefined
    ? undefined
    : { ok: false as const, problem: problem('invalid-request', { errors: [{ path, message }] }) }
}

function unstorable(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') {
    return value.includes('\0') || !value.isWellFormed()
      ? 'must not contain NUL or broken surrogates'
      : undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === 0) return `must be at most ${maxDepth} levels deep`
  for (const part of Object.entries(value).flat()) {
    const fault = unstorable(part, depth - 1)
    if (fault) return fault
  }
  return undefined
}
