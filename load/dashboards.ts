import { parseArgs } from 'node:util'
import { describeMachine } from './bench/machine.ts'
import { render, type Section, targetLine } from './bench/report.ts'
import { runToEnd } from './closing.ts'
import { crowd } from './dashboards/crowd.ts'
import { freshness } from './dashboards/freshness.ts'

interface Pains {
  seconds: number
  clients: number
}

const parts: Record<string, (closing: AsyncDisposableStack, pains: Pains) => Promise<Section>> = {
  redis: (closing, { seconds }) => freshness(closing, { kafka: false, seconds }),
  kafka: (closing, { seconds }) => freshness(closing, { kafka: true, seconds }),
  crowd,
}
const names = Object.keys(parts)

const usage = `npm run bench:dashboards -- [--only <part>[,<part>…]] [--seconds <n>] [--clients <n>]
  --only     some of ${names.join(', ')}
  --seconds  of one measurement; default 10
  --clients  of crowd; default 5000`

runToEnd(async (closing) => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: names.join(',') },
      seconds: { type: 'string', default: '10' },
      clients: { type: 'string', default: '5000' },
      help: { type: 'boolean', default: false },
    },
  })
  const chosen = values.only.split(',')
  const pains = { seconds: Number(values.seconds), clients: Number(values.clients) }
  const wrong = chosen.some((name) => !names.includes(name)) || !(pains.seconds >= 1 && pains.clients >= 10)
  if (values.help || wrong) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  console.log(await describeMachine('undici and raw sockets'))
  const targets: string[] = []
  for (const name of names.filter((one) => chosen.includes(one))) {
    process.stderr.write(`${name}\n`)
    const section = await parts[name]?.(closing, pains)
    if (!section) continue
    targets.push(...(section.targets ?? []).map(targetLine))
    console.log(`\n${render(section)}`)
  }
  console.log(`\n## Aims\n\n${targets.join('\n')}`)
  return 0
})
