import { type ChildProcess, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '@count/stack/ports'
import { until } from '@count/stack/until'
import { cannon } from '../bench/autocannon.ts'
import { limitTarget, ratioTarget, type Section } from '../bench/report.ts'
import { inTurn, median } from '../bench/rounds.ts'
import { number } from '../table.ts'
import type { ReaderJob, ReaderReport } from './reader.ts'
import { openShown, type Shown } from './shown.ts'

const dashboards = 10
const countsEach = 20
const leastFrames = 2
const mostKb = 60
const leastThroughput = 0.95
/** Share of the clients that do not read. */
const deafShare = 0.1
const rounds = 3

/** dashboard-update-service alone, beside the server that has all the others. */
async function startUpdate(closing: AsyncDisposableStack, { server }: Shown, token: string) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, ['src/server.ts'], {
    cwd: join(import.meta.dirname, '../../services/dashboard-update-service'),
    env: {
      PATH: process.env.PATH,
      ...server.stores,
      HOST: '127.0.0.1',
      PORT: String(port),
      LOG_LEVEL: 'warn',
      SERVICE_TOKEN: token,
      MANAGEMENT_URL: server.url,
      PROVISION_URL: server.url,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  closing.defer(() => stop(child))
  await until('the update service', async () => (await fetch(`${url}/livez`)).ok, { deadlineMs: 60_000 })
  return { port, url, pid: child.pid ?? 0 }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** Clients in a process of their own. */
async function startReaders(closing: AsyncDisposableStack, job: ReaderJob) {
  const child = fork(join(import.meta.dirname, 'reader.ts'))
  closing.defer(() => stop(child))
  const ask = async (message: ReaderJob | string): Promise<ReaderReport> => {
    child.send(message)
    const [report] = await once(child, 'message')
    return report
  }
  await ask(job)
  return { report: () => ask('report'), stop: () => stop(child) }
}

const residentKb = async (pid: number) =>
  Number(/VmRSS:\s*(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1])

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1])
}

/** Thousands of clients on one process: what each gets, what each costs, and what those who do not read cost the writers. */
export async function crowd(
  closing: AsyncDisposableStack,
  { seconds, clients }: { seconds: number; clients: number },
): Promise<Section> {
  const token = randomBytes(24).toString('base64url')
  process.env.SERVICE_TOKEN = token
  await using own = new AsyncDisposableStack()
  closing.defer(() => own.disposeAsync())
  const shown = await openShown(own, { kafka: false, dashboards, countsEach })
  const update = await startUpdate(own, shown, token)
  const paths = shown.dashboards.map((id) => `/api/v1/dashboards/${id}/stream`)
  const base = { host: '127.0.0.1', port: update.port, cookie: shown.session.cookie, paths }
  const load = {
    url: shown.server.url,
    kind: 'increment' as const,
    apiKey: shown.server.apiKey,
    prefix: 'bench:',
    ids: shown.ids.length,
    connections: 32,
  }

  // What the service holds anyway is there before memory is compared.
  const first = await startReaders(own, { ...base, clients: 100, deaf: 0 })
  await cannon.send(load, 2)
  await first.stop()
  await delay(2000)
  const emptyKb = await residentKb(update.pid)

  const reports: Record<string, ReaderReport[]> = {}
  const kb: number[] = []
  let dropped = 0
  const contender = (name: string, deaf: number) => ({
    name,
    async run(of: number) {
      const readers = await startReaders(own, { ...base, clients, deaf })
      await readers.report()
      const { rate } = await cannon.send(load, of)
      const report = await readers.report()
      if (deaf === 0) kb.push(((await residentKb(update.pid)) - emptyKb) / clients)
      const perSecond = { ...report, fewest: report.fewest / of, mean: report.mean / of }
      if (of === seconds) reports[name] = [...(reports[name] ?? []), perSecond]
      dropped += clients - deaf - report.open
      await readers.stop()
      await until(
        'the clients to be gone',
        async () => (await metric(update.url, 'dashboard_stream_clients')) === 0,
      )
      return rate
    },
  })
  const deaf = Math.round(clients * deafShare)
  const [all, some] = [`all ${number(clients)} read`, `${number(deaf)} of them do not`]
  const rates = await inTurn([contender(all, 0), contender(some, deaf)], { rounds, seconds })
  const rate = (name: string) => median(rates.get(name) ?? [])
  const fewest = (name: string) => median((reports[name] ?? []).map((report) => report.fewest))
  const mean = (name: string) => median((reports[name] ?? []).map((report) => report.mean))
  const kbEach = median(kb)
  return {
    title: `${number(clients)} clients of one process`,
    text: `${dashboards} dashboards of ${countsEach} counts, all of them changing all the time; dashboard-update-service in a process of its own, the
increments as fast as 32 connections get them answered. Memory is what the process holds beyond what it held before, for each client.`,
    headers: ['', 'increments/s', 'frames/s, mean', 'frames/s, fewest', 'KB a client'],
    rows: [all, some].map((name) => [
      name,
      number(rate(name)),
      number(mean(name), 1),
      number(fewest(name), 1),
      name === all ? number(kbEach, 1) : '',
    ]),
    targets: [
      {
        what: 'frames a second at every client',
        met: fewest(all) >= leastFrames && fewest(some) >= leastFrames,
        told: `${number(fewest(all), 1)} and ${number(fewest(some), 1)}, aim ≥ ${leastFrames}`,
      },
      { what: 'no client that reads is dropped', met: dropped === 0, told: `${dropped} dropped` },
      limitTarget('memory a client', kbEach, mostKb, 'KB'),
      ratioTarget('increments/s beside clients that do not read', [rate(some), rate(all)], leastThroughput),
    ],
  }
}
