/** One of the things compared: measures itself for about this long. */
export interface Contender<T> {
  name: string
  run: (seconds: number) => Promise<T>
}

export const warmUpSeconds = 1

/**
 * Measures all contenders in turn, round after round, so that what the machine does meanwhile falls on all alike. A short
 * first round warms them up and is thrown away. @returns name → one result a round
 */
export async function inTurn<T>(
  contenders: Contender<T>[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>(contenders.map(({ name }) => [name, []]))
  for (const { run } of contenders) await run(warmUpSeconds)
  for (let round = 1; round <= rounds; round++) {
    for (const { name, run } of contenders) {
      process.stderr.write(`  round ${round} of ${rounds}: ${name}\n`)
      results.get(name)?.push(await run(seconds))
    }
  }
  return results
}

/** NaN for none. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}
