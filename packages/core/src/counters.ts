import { Counter, type Registry } from 'prom-client'

/** The counter of this name, whichever part of the process asks first: several services may share one registry. */
export function counterOf<L extends string>(
  metrics: Registry,
  name: string,
  help: string,
  labelNames: readonly L[],
): Counter<L> {
  const known = metrics.getSingleMetric(name)
  if (known instanceof Counter) return known
  return new Counter({ name, help, labelNames, registers: [metrics] })
}
