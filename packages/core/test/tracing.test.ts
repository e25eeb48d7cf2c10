import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'

/** Nobody listens here. */
const endpoint = 'http://127.0.0.1:1'

/** Has a process fail that loads OpenTelemetry's SDK; its interface comes with prom-client anyway. */
const forbid = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve(name, context, next) {
      if (/^@opentelemetry\\/(?!api$)/.test(name)) throw new Error('OpenTelemetry is loaded')
      return next(name, context)
    },
  })`)}`

function startServing(args: string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [...args, join(import.meta.dirname, 'serving.ts')], {
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

/** Where it listens; undefined when it ends without. */
async function urlOf({ stdout }: ReturnType<typeof startServing>): Promise<string | undefined> {
  for await (const line of createInterface({ input: stdout })) {
    const url = /listening at ([^"\\s]+)/.exec(line)?.[1]
    if (url) return url
  }
  return undefined
}

test('without a collector nothing of OpenTelemetry is loaded', async () => {
  const plain = startServing(['--import', forbid], {})
  expect(await urlOf(plain)).toMatch(/^http/)
  const telling = startServing(['--import', forbid], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
  expect(await text(telling.stderr)).toContain('OpenTelemetry is loaded')
})

test('a collector that is away holds up neither requests nor the end', async () => {
  const child = startServing([], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
  const url = await urlOf(child)
  expect(await (await fetch(`${url}/work`)).json()).toEqual({ done: true })
  const began = performance.now()
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(performance.now() - began).toBeLessThan(7000)
})
