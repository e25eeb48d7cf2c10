import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { get as getTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { until } from '@count/stack/until'
import { pino } from 'pino'
import { generate } from 'selfsigned'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { readConfig, serverSettings } from '../src/config.ts'
import { createContext, listen, type ServiceParts } from '../src/service.ts'
import { partsOf } from './server.ts'

const line = z.object({ word: z.string().optional(), msg: z.string().optional() })

/** A serving process: where it listens, and the words it said so far. */
async function startServing(env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serving.ts')], {
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const words: string[] = []
  const { promise: url, resolve } = Promise.withResolvers<string>()
  createInterface({ input: child.stdout }).on('line', (raw) => {
    const { word, msg } = line.parse(JSON.parse(raw))
    if (word) words.push(word)
    const address = /listening at (\S+)/.exec(msg ?? '')?.[1]
    if (address) resolve(address)
  })
  return { child, words, url: await url }
}

async function end(child: ChildProcess, signal: NodeJS.Signals) {
  const began = performance.now()
  const exited = once(child, 'exit')
  child.kill(signal)
  const [code] = await exited
  return { code, ms: performance.now() - began }
}

const fetchWith = (agent: Agent, url: string) =>
  new Promise<{ status?: number; body: string }>((resolve, reject) => {
    get(url, { agent }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body }), reject)
    }).on('error', reject)
  })

describe('a serving process', () => {
  test('ends under keep-alive load on SIGTERM: no request fails that was taken, then drain, close, 0', async () => {
    const { child, words, url } = await startServing()
    const agent = new Agent({ keepAlive: true, maxSockets: 32 })
    const faults: unknown[] = []
    let answered = 0
    const client = async () => {
      for (;;) {
        try {
          const { status, body } = await fetchWith(agent, `${url}/work`)
          if (status !== 200 || body !== '{"done":true}') faults.push({ status, body })
          answered++
        } catch (error) {
          if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return
          faults.push(error)
          return
        }
      }
    }
    const clients = Array.from({ length: 32 }, client)
    await until('load', () => answered > 200)
    const { code, ms } = await end(child, 'SIGTERM')
    await Promise.all(clients)
    agent.destroy()
    expect(faults).toEqual([])
    expect(code).toBe(0)
    expect(ms).toBeLessThan(9500)
    expect(words).toEqual(['open', 'start', 'drain', 'close'])
  })

  test('ends on SIGINT within ten seconds although a request never ends, and a second signal changes nothing', async () => {
    const { child, words, url } = await startServing()
    const hanging = fetch(`${url}/hang`).catch(() => 'cut')
    await until('the request', async () => (await (await fetch(`${url}/livez`)).text()) === '{"status":"ok"}')
    child.kill('SIGINT')
    const { code, ms } = await end(child, 'SIGINT')
    expect(code).toBe(0)
    expect(ms).toBeLessThan(9500)
    expect(words).toEqual(['open', 'start', 'drain', 'close'])
    expect(await hanging).toBe('cut')
  })

  test('that is told to end before it serves ends with 0 too', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'serving.ts')], {
      env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', OPENS_FOR: '300' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said = text(child.stdout)
    await once(child.stdout, 'readable')
    expect((await end(child, 'SIGTERM')).code).toBe(0)
    expect(await said).toContain('close')
  })

  test('with wrong settings tells all of them and exits 1', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'serving.ts')], {
      env: { PATH: process.env.PATH, PORT: 'x', LOG_LEVEL: 'loud' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    expect(code).toBe(1)
    expect(said).toMatch(/^serving: wrong settings\nPORT .*\nLOG_LEVEL .*\n$/)
  })
})

type Count = (error: Error | null, count: number) => void

const quiet = createContext('test', 'silent')

const start = async (env: NodeJS.ProcessEnv, parts: ServiceParts, log = quiet.log) => {
  const config = readConfig(z.object(serverSettings), { HOST: '127.0.0.1', PORT: '0', ...env })
  const server = await listen(config, { ...createContext('test'), log }, [parts])
  onTestFinished(() => server.stop())
  return server
}

describe('stopping', () => {
  test('tells /readyz first, lets an idle connection hear of it, and takes no new one', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const server = await start(
      {},
      partsOf(async (app) => {
        app.get('/held', { config: { access: { kind: 'public' } } }, () => held.then(() => 'done'))
      }),
    )
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    const ask = (path: string) => fetchWith(agent, server.url + path)
    const heldAnswer = ask('/held')
    expect((await ask('/readyz')).status).toBe(200)
    const stopped = server.stop()
    expect(await ask('/readyz')).toMatchObject({ status: 503, body: '{"status":"stopping","services":{}}' })
    const refused = () =>
      fetch(server.url).then(
        () => false,
        () => true,
      )
    await until('new ones to be refused', refused)
    release()
    expect((await heldAnswer).body).toBe('done')
    await stopped
  })

  test('answers callers whose connections the kernel had made and nobody had taken', async () => {
    const many = 20
    const server = await start(
      {},
      partsOf(async (app) => {
        app.get('/', { config: { access: { kind: 'public' } } }, () => 'answered')
      }),
    )
    const { port } = new URL(server.url)
    const connected = new Int32Array(new SharedArrayBuffer(4))
    const callers = new Worker(
      `const { connect } = require('node:net')
       const { parentPort, workerData: { port, many, connected } } = require('node:worker_threads')
       const answers = Array.from({ length: many }, () => new Promise((resolve) => {
         let said = ''
         const socket = connect({ port, host: '127.0.0.1' }, () => {
           if (Atomics.add(connected, 0, 1) + 1 === many) Atomics.notify(connected, 0)
           socket.write('GET / HTTP/1.1\\r\\nhost: test\\r\\nconnection: close\\r\\n\\r\\n')
         })
         socket.on('data', (chunk) => { said += chunk })
         socket.on('error', (error) => resolve(error.code))
         socket.on('end', () => resolve(said.split('\\r\\n\\r\\n')[1]))
       }))
       Promise.all(answers).then((all) => parentPort.postMessage(all))`,
      { eval: true, workerData: { port: Number(port), many, connected } },
    )
    // Nothing is taken while this thread waits for the other.
    while (Atomics.load(connected, 0) < many) Atomics.wait(connected, 0, Atomics.load(connected, 0), 5000)
    const stopped = server.stop()
    const [answers] = await once(callers, 'message')
    expect(answers).toEqual(Array(many).fill('answered'))
    await stopped
  })

  test('goes on over a request that never ends and a part that fails to drain, and happens once', async () => {
    const words: string[] = []
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const parts: ServiceParts = {
      ...partsOf(async (app) => {
        app.get('/hang', { config: { access: { kind: 'public' } } }, () => {
          begin()
          return new Promise(() => {})
        })
      }),
      drain: async () => {
        const open = await promisify((done: Count) => server.app.server.getConnections(done))()
        words.push(`drain with ${open} connections`)
        throw new Error('bus away')
      },
      close: async () => {
        words.push('close')
      },
    }
    const server = await start({}, parts)
    const hanging = fetch(`${server.url}/hang`).catch(() => 'cut')
    await begun
    await Promise.all([server.stop(), server.stop()])
    expect(await hanging).toBe('cut')
    expect(words).toEqual(['drain with 0 connections', 'close'])
  })
})

describe('TLS', () => {
  const pair = async (name: string) => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: name }], { keySize: 2048 })
    return { cert, key }
  }
  /** The common name of the certificate that a new connection gets. */
  const subject = (url: string) =>
    new Promise<string>((resolve, reject) => {
      getTls(`${url}/livez`, { rejectUnauthorized: false, agent: false }, (response) => {
        const { socket } = response
        response.resume()
        resolve(socket instanceof TLSSocket ? String(socket.getPeerCertificate().subject.CN) : 'plain')
      }).on('error', reject)
    })

  test('a renewed certificate is served without a restart, half a renewal changes nothing', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tls-'))
    const [TLS_CERT, TLS_KEY] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
    const [first, second] = await Promise.all([pair('first'), pair('second')])
    await Promise.all([writeFile(TLS_CERT, first.cert), writeFile(TLS_KEY, first.key)])
    const told: string[] = []
    const log = pino({}, { write: (message) => told.push(message) })
    const server = await start(
      { TLS_CERT, TLS_KEY },
      partsOf(async () => {}),
      log,
    )
    expect(server.url).toMatch(/^https:/)
    expect(await subject(server.url)).toBe('first')
    await writeFile(TLS_CERT, second.cert)
    await until('the change to be seen', () =>
      told.some((message) => message.includes('certificate not reloaded')),
    )
    expect(await subject(server.url)).toBe('first')
    await writeFile(TLS_KEY, second.key)
    await until('the second certificate', async () => (await subject(server.url)) === 'second')
  })
})
