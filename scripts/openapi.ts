// Writes packages/core/openapi.json, the API document of all services together: sh scripts/run.sh scripts/openapi.ts. Starts the
// whole system on data of its own and asks it; a path a line, so that a change is seen as one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { freePort } from '../packages/stack/src/ports.ts'
import { until } from '../packages/stack/src/until.ts'

const root = join(import.meta.dirname, '..')
const dataDir = mkdtempSync(join(tmpdir(), 'count-openapi-'))
const port = await freePort()
const system = spawn(process.execPath, [join(root, 'packages/stack/src/start.ts')], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, DATA_DIR: dataDir, PORT: String(port), LOG_LEVEL: 'error', PUBLIC_URL: '' },
})
try {
  const answer = await until('the document', () => fetch(`http://localhost:${port}/openapi.json`), {
    deadlineMs: 120_000,
  })
  const { paths, servers, ...rest } = z
    .looseObject({ paths: z.record(z.string(), z.unknown()) })
    .parse(await answer.json())
  const lines = Object.entries(paths).map(
    ([path, operations]) => `${JSON.stringify(path)}: ${JSON.stringify(operations)}`,
  )
  writeFileSync(
    join(root, 'packages/core/openapi.json'),
    `${JSON.stringify(rest).slice(0, -1)},"paths": {\n${lines.join(',\n')}\n}}\n`,
  )
} finally {
  const gone = once(system, 'exit')
  system.kill('SIGTERM')
  await gone
  rmSync(dataDir, { recursive: true, force: true })
}
