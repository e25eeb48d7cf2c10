// npm run kills: kills each container that docker compose started, one after the other, and looks at who notices.
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@count/stack/until'
import { type Seen, startCallers } from './callers.ts'
import { runToEnd } from './closing.ts'
import { compose, composeServer } from './compose.ts'
import { table } from './table.ts'

/** Who may notice that a container is away: calls that need it, and nobody else. */
const needed: Record<string, string[]> = {
  value: ['write'],
  'value-replica': ['analysis'],
  cache: [],
  postgres: ['management', 'dashboards'],
  kafka: [],
  'count-write-service': ['write'],
  'count-read-service': ['read'],
  'count-management-service': ['management'],
  'count-analysis-service': ['analysis'],
  'dashboard-provision-service': ['dashboards', 'page'],
  'dashboard-update-service': ['stream'],
  gateway: ['write', 'read', 'management', 'analysis', 'dashboards', 'page', 'stream'],
}
const awayMs = 5000

/** What those services say that miss something. */
async function degraded(): Promise<string[]> {
  const ask = `exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`
  const services = Object.keys(needed).filter((name) => name.endsWith('-service'))
  const answers = await Promise.all(services.map((name) => compose('exec', '-T', name, 'bash', '-c', ask)))
  return answers.flatMap((answer) =>
    answer.includes('"status":"ok"') ? [] : (answer.split('\n').at(-1) ?? []),
  )
}

runToEnd(async (closing) => {
  const callers = await startCallers(closing, await composeServer())
  const rows: string[][] = []
  const wrong: string[] = []
  for (const [container, mayFail] of Object.entries(needed)) {
    process.stderr.write(`${container}\n`)
    callers.forget()
    await compose('kill', container)
    await delay(awayMs)
    const back = performance.now()
    await compose('up', '-d', '--no-deps', container)
    callers.judgeAnew()
    const well = async () => callers.allFine() && (await degraded()).length === 0
    const fine = await until(`all to be well after ${container}`, well, { deadlineMs: 60_000 }).then(
      () => true,
      () => false,
    )
    const seconds = (performance.now() - back) / 1000
    for (const [name, { failed }] of callers.seen)
      for (const came of failed.keys()) {
        const honest = came === '502' || came === '503' || (container === 'gateway' && !/^\d+$/.test(came))
        if (!mayFail.includes(name) || !honest) wrong.push(`${container}: ${name} came to ${came}`)
      }
    for (const name of mayFail)
      if ((callers.seen.get(name) as Seen).failed.size === 0)
        wrong.push(`${container}: ${name} did not miss it`)
    if (!fine) wrong.push(`${container}: not all is well a minute after its return ${await degraded()}`)
    rows.push([container, callers.failures().join(', ') || 'none', fine ? seconds.toFixed(1) : '–'])
  }
  const { acknowledged, grown } = await callers.end()
  const exact = grown === acknowledged

  console.log(table(['killed', 'calls that failed', 'well again, s'], rows))
  console.log(`\n${acknowledged} increments acknowledged, the values grew by ${grown}.`)
  for (const one of wrong) console.log(`- wrong: ${one}`)
  console.log(wrong.length === 0 && exact ? 'As it should be.' : '**Not as it should be.**')
  return wrong.length === 0 && exact ? 0 : 1
})
