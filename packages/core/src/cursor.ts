import { crc16 } from './crc16.ts'

/** Where a page of ids ended, as text that callers only hand back; the checksum tells it from anything else. */
export function encodeCursor(id: string): string {
  const sum = crc16(id).toString(16).padStart(4, '0')
  return Buffer.from(sum + id, 'latin1').toString('base64url')
}

/** The id that {@link encodeCursor} was given; undefined when the text is not of its making. */
export function decodeCursor(cursor: string): string | undefined {
  const id = Buffer.from(cursor, 'base64url').toString('latin1').slice(4)
  return encodeCursor(id) === cursor ? id : undefined
}
