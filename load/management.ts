import { parseArgs } from 'node:util'
import { describeMachine } from './bench/machine.ts'
import { render, type Section, targetLine } from './bench/report.ts'
import { keep, runToEnd } from './closing.ts'
import { openAdministrator } from './management/administrator.ts'
import { exports } from './management/exports.ts'
import { imports } from './management/imports.ts'
import { search } from './management/search.ts'
import { openWorld, type World } from './management/world.ts'
import { startServer } from './server.ts'

/** In the order in which they run: the later ones want many counts. */
const parts: Record<string, (world: World) => Promise<Section>> = { imports, search, exports }
const names = Object.keys(parts)

const usage = `npm run bench:management -- [--quick] [--only <part>[,<part>…]]
Imports, searches and exports as an administrator's pages do them, on a server of its own.
  --quick  a tenth of the lines and of the counts: for a first look
  --only   some of ${names.join(', ')}`

runToEnd(async (closing) => {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: names.join(',') },
      help: { type: 'boolean', default: false },
    },
  })
  const chosen = values.only.split(',').map((name) => name.trim())
  const unknown = chosen.filter((name) => !names.includes(name))
  if (values.help || unknown.length > 0) {
    console.log([...unknown.map((name) => `no part is called ${name}`), usage].join('\n'))
    return values.help ? 0 : 2
  }
  const server = await startServer(closing)
  const administrator = await keep(closing, openAdministrator(server), (opened) => opened.close())
  const world = openWorld(server, administrator, values.quick ? 0.1 : 1)
  console.log(await describeMachine('Node’s fetch, one call at a time'))
  const sections: Section[] = []
  for (const [name, part] of Object.entries(parts)) {
    if (!chosen.includes(name)) continue
    const section = await part(world)
    sections.push(section)
    console.log(`\n${render(section)}`)
  }
  const targets = sections.flatMap((section) => section.targets ?? [])
  console.log(`\n${targets.map(targetLine).join('\n')}`)
  return 0
})
