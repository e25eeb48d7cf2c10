/** What is asked of a server: see wrk.lua for the kinds. */
export type Kind = 'increment' | 'batch' | 'read' | 'strong' | 'fresh' | 'incr' | 'get'

export interface Load {
  url: string
  kind: Kind
  apiKey: string
  /** ids are `<prefix><0 … ids-1>` */
  prefix: string
  ids: number
  /** the first id of `fresh` */
  first?: number
  connections: number
}

export interface Measured {
  /** requests a second that were answered with success */
  rate: number
  /** requests that were refused or broke; more than a few make the rate worthless */
  failed: number
  p50: number
  p99: number
  p999: number
}

/** Sends a load as fast as the server answers it. */
export type Generator = {
  name: string
  send(load: Load, seconds: number): Promise<Measured>
}
