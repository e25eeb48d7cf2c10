import { readFileSync } from 'node:fs'

/** Of TLS connections to a store: the certificates that must have signed its own, and the name that it must bear. */
export interface Trust {
  readonly ca: Buffer
  host?: string
}

/**
 * Trust in what a PEM file's certificates have signed, and in nothing else. The file is read anew for each connection, so that
 * a renewed one needs no restart; while it cannot be read, what it held before is believed.
 * @throws when it cannot be read at first
 */
export function trustIn(caFile: string, host?: string): Trust {
  let known = readFileSync(caFile)
  return {
    ...(host === undefined ? {} : { host }),
    get ca() {
      try {
        known = readFileSync(caFile)
      } catch {
        // It is just being replaced.
      }
      return known
    },
  }
}

/** An address without one of its parameters, and that. */
export function takeParameter(address: string, name: string): [address: string, value: string | undefined] {
  const url = new URL(address)
  const value = url.searchParams.get(name)
  if (value === null) return [address, undefined]
  url.searchParams.delete(name)
  return [url.href, value]
}
