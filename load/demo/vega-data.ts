import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Path of a data set in npm's vega-datasets. */
export const dataFile = (name: string): string =>
  join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '../data', name)
