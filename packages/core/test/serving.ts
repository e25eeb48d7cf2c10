/** A process that serves, for service.test.ts: answers each request after 20 ms and says on stdout what it does. */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { serverSettings } from '../src/config.ts'
import { runService } from '../src/service.ts'
import { partsOf } from './server.ts'

const say = (word: string) => void process.stdout.write(`${JSON.stringify({ word })}\n`)

const settings = z.object({ ...serverSettings, OPENS_FOR: z.coerce.number().default(0) })

await runService('serving', settings, async (config) => {
  say('open')
  await delay(config.OPENS_FOR)
  return {
    ...partsOf(async (app) => {
      app.get('/work', { config: { access: { kind: 'public' } } }, () => delay(20, { done: true }))
      app.get('/hang', { config: { access: { kind: 'public' } } }, () => new Promise(() => {}))
    }),
    start: async () => say('start'),
    drain: async () => say('drain'),
    close: async () => say('close'),
  }
})
