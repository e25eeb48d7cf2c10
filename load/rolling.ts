// npm run rolling: deploy/upgrade.sh under load, on the services that docker compose started. No call may fail.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { startCallers } from './callers.ts'
import { runToEnd } from './closing.ts'
import { composeServer } from './compose.ts'

runToEnd(async (closing) => {
  const callers = await startCallers(closing, await composeServer(), { width: 8, pauseMs: 5 })
  const upgrade = spawn('sh', [join(import.meta.dirname, '../deploy/upgrade.sh')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  closing.defer(async () => void upgrade.kill())
  const [code] = await once(upgrade, 'exit')
  const { acknowledged, grown } = await callers.end()
  const failures = callers.failures()
  console.log(`\n${acknowledged} increments acknowledged, the values grew by ${grown}.`)
  console.log(`Calls that failed: ${failures.join(', ') || 'none'}.`)
  return code === 0 && failures.length === 0 && grown === acknowledged ? 0 : 1
})
