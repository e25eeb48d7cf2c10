import { number, table } from '../table.ts'

/** A comparison of two numbers with what was aimed at. */
export interface Target {
  what: string
  met: boolean
  /** the two numbers, or the one, and the aim */
  told: string
}

/** What one part of the benchmark found. */
export interface Section {
  title: string
  text: string
  headers: string[]
  rows: string[][]
  targets?: Target[]
}

/** Aims at `least` times what another does; names both numbers. */
export function ratioTarget(what: string, [value, than]: [number, number], least: number): Target {
  const ratio = value / than
  return {
    what,
    met: ratio >= least,
    told: `${number(value)} / ${number(than)} = ${ratio.toFixed(2)}, aim ≥ ${least}`,
  }
}

/** Aims at no more than `most`. */
export function limitTarget(what: string, value: number, most: number, unit: string): Target {
  return { what, met: value <= most, told: `${number(value, 1)} ${unit}, aim ≤ ${most} ${unit}` }
}

export const targetLine = ({ what, met, told }: Target) =>
  `- ${met ? 'met' : '**not met**'}: ${what}: ${told}`

/** One part as Markdown, for the terminal and the file alike. */
export function render({ title, text, headers, rows, targets = [] }: Section): string {
  const parts = [`## ${title}`, text, table(headers, rows)]
  if (targets.length > 0) parts.push(targets.map(targetLine).join('\n'))
  return parts.join('\n\n')
}
