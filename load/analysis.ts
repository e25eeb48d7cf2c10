import { parseArgs } from 'node:util'
import { answers } from './analysis/answers.ts'
import { neighbours } from './analysis/neighbours.ts'
import { openAnalyst, seedPasts } from './analysis/questions.ts'
import { cannon } from './bench/autocannon.ts'
import { describeMachine } from './bench/machine.ts'
import { render, targetLine } from './bench/report.ts'
import { findWrk } from './bench/wrk.ts'
import { abortedAtEnd, keep, runToEnd } from './closing.ts'
import { seededRandom } from './demo/random.ts'
import { openAdministrator } from './management/administrator.ts'
import { startServer } from './server.ts'

const usage = `npm run bench:analysis -- [--rounds <n>] [--seconds <n>]
Asks for trends, comparisons and predictions of counts with a past, on a server of its own, and counts increments beside that.
  --rounds   of each measurement; default 5
  --seconds  of one; default 5`

runToEnd(async (closing) => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      help: { type: 'boolean', default: false },
    },
  })
  const pains = { rounds: Number(values.rounds), seconds: Number(values.seconds) }
  if (values.help || !(pains.rounds >= 1 && pains.seconds >= 1)) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  const generator = (await findWrk(abortedAtEnd(closing))) ?? cannon
  const server = await startServer(closing)
  const administrator = await keep(closing, openAdministrator(server), (opened) => opened.close())
  await seedPasts(administrator, seededRandom(1))
  const analyst = await keep(closing, openAnalyst(server), (opened) => opened.close())

  console.log(await describeMachine(`undici and ${generator.name}`))
  const sections = [await answers(analyst, pains), await neighbours(server, analyst, generator, pains)]
  for (const section of sections) console.log(`\n${render(section)}`)
  console.log(`\n## Aims\n\n${sections.flatMap(({ targets = [] }) => targets.map(targetLine)).join('\n')}`)
  return 0
})
