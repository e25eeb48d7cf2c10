import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cannon } from './bench/autocannon.ts'
import { describeMachine } from './bench/machine.ts'
import { batches } from './bench/parts/batches.ts'
import { bytes } from './bench/parts/bytes.ts'
import { increments } from './bench/parts/increments.ts'
import { latency } from './bench/parts/latency.ts'
import { reads } from './bench/parts/reads.ts'
import { soak } from './bench/parts/soak.ts'
import { spread } from './bench/parts/spread.ts'
import { render, type Section, targetLine } from './bench/report.ts'
import { openWorld, type Pains, type World } from './bench/world.ts'
import { findWrk } from './bench/wrk.ts'
import { abortedAtEnd, runToEnd } from './closing.ts'

/** In the order in which they run: the one that fills the store with a million counts late. */
const parts: Record<string, (world: World) => Promise<Section>> = {
  increments,
  batches,
  reads,
  latency,
  bytes,
  spread,
  soak,
}
const names = Object.keys(parts)

const usage = `npm run bench -- [--quick] [--only <part>[,<part>…]] [--soak] [--rounds <n>] [--seconds <n>] [--write]
  --quick    short measurements, 100,000 counts for a million: for a first look
  --only     some of ${names.join(', ')}
  --soak     five minutes for the part of that name, else 30 s
  --write    put the results into docs/benchmarks.md (the whole run only)`

const careful: Pains = { rounds: 3, seconds: 5, soakSeconds: 30, million: 1_000_000 }
const hasty: Pains = { rounds: 3, seconds: 1, soakSeconds: 10, million: 100_000 }
const longSoakSeconds = 300

function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: names.join(',') },
      soak: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const pains = { ...(values.quick ? hasty : careful) }
  if (values.rounds) pains.rounds = Number(values.rounds)
  if (values.seconds) pains.seconds = Number(values.seconds)
  if (values.soak) pains.soakSeconds = longSoakSeconds
  const chosen = values.only.split(',').map((name) => name.trim())
  const unknown = chosen.filter((name) => !names.includes(name))
  const faults = [
    ...unknown.map((name) => `no part is called ${name}`),
    ...(pains.rounds >= 1 && pains.seconds >= 1 ? [] : ['--rounds and --seconds are numbers from 1']),
    ...(values.write && (chosen.length < names.length || values.quick)
      ? ['--write is for the whole run, not a quick one']
      : []),
  ]
  return { help: values.help, write: values.write, pains, chosen, faults }
}

const introduction = (machine: string, { rounds, seconds }: Pains) => `# Benchmarks

Printed by \`npm run bench -- --write\`, in one run on one machine. Ratios are what to look at: they hold on other machines,
absolute numbers do not. Each number is the median of ${rounds} rounds of ${seconds} s, the contenders measured in turn.

${machine}
`

runToEnd(async (closing) => {
  const { help, write, pains, chosen, faults } = readOptions()
  if (help || faults.length > 0) {
    console.log([...faults, usage].join('\n'))
    return help ? 0 : 2
  }
  const generator = (await findWrk(abortedAtEnd(closing))) ?? cannon
  const intro = introduction(await describeMachine(generator.name), pains)
  console.log(intro)

  const world = openWorld(closing, pains, generator)
  const sections: Section[] = []
  for (const name of names.filter((one) => chosen.includes(one))) {
    process.stderr.write(`${name}\n`)
    const section = await parts[name]?.(world)
    if (!section) continue
    sections.push(section)
    console.log(`\n${render(section)}\n`)
  }

  const targets = sections.flatMap((section) => section.targets ?? [])
  const summary = `## Aims\n\n${targets.map(targetLine).join('\n')}\n`
  console.log(summary)
  if (write) {
    const docs = join(import.meta.dirname, '../docs')
    await mkdir(docs, { recursive: true })
    await writeFile(
      join(docs, 'benchmarks.md'),
      `${[intro, summary, ...sections.map(render)].join('\n').trimEnd()}\n`,
    )
    console.log('written to docs/benchmarks.md')
  }
  return 0
})
