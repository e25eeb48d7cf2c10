import { connect, type Socket } from 'node:net'
import { until } from '@count/stack/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWorld, panel, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

/** A client that asks for a stream and reads nothing until it is told to. */
function deafClient(url: string, path: string, cookie: string): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.pause()
  socket.on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nCookie: ${cookie}\r\n\r\n`)
  return socket
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1])
}

/** Text that makes every snapshot so large that the sockets' own buffers are full after a few. */
const large = (n: number) =>
  panel(`text-${n}`, undefined, {
    type: 'markdown',
    text: 'x'.repeat(10_000),
    layout: { x: 0, y: n, w: 1, h: 1 },
  })

test('a client that does not read is dropped after a while, counted, and holds up nobody', async () => {
  await world.create('slow')
  const server = await world.startUpdate({}, { unreadMs: 1500 })
  const texts = Array.from({ length: 190 }, (_, n) => large(n))
  const show = (name: string) =>
    world.provision.save('board', { name, panels: [panel('value', { ids: ['slow'] }), ...texts] })
  show('first')
  const reading = await world.open(server, 'board')
  await reading.next('snapshot')
  const path = '/api/v1/dashboards/board/stream'
  const deaf = deafClient(server.url, path, world.session().cookie)
  await until('both', async () => (await metric(server.url, 'dashboard_stream_clients')) === 2)
  // Each configuration is a frame of two megabytes; the reading one gets them all.
  let n = 0
  await until(
    'the deaf one to be dropped',
    async () => {
      show(`number ${++n}`)
      await reading.next('dashboard', ({ dashboard }) => dashboard.name === `number ${n}`)
      return (await metric(server.url, 'dashboard_stream_drops_total')) === 1
    },
    { deadlineMs: 60_000 },
  )
  expect(await metric(server.url, 'dashboard_stream_clients')).toBe(1)
  await world.increment('slow')
  await reading.shows('slow', 1)
  deaf.destroy()
}, 90_000)

test('a client that falls behind gets what it missed as one frame when it reads again', async () => {
  await world.create('behind')
  const server = await world.startUpdate()
  const texts = Array.from({ length: 190 }, (_, n) => large(n))
  const show = (name: string) =>
    world.provision.save('lagging', { name, panels: [panel('value', { ids: ['behind'] }), ...texts] })
  show('first')
  const reading = await world.open(server, 'lagging')
  await reading.next('snapshot')
  const slow = deafClient(server.url, '/api/v1/dashboards/lagging/stream', world.session().cookie)
  await until('both', async () => (await metric(server.url, 'dashboard_stream_clients')) === 2)
  for (let n = 0; n < 6; n++) {
    show(`number ${n}`)
    await reading.next('dashboard', ({ dashboard }) => dashboard.name === `number ${n}`)
  }
  for (let value = 1; value <= 5; value++) {
    await world.increment('behind')
    await reading.shows('behind', value)
  }
  let tail = ''
  slow.on('data', (data: Buffer) => {
    tail = (tail + data.toString('latin1')).slice(-3_000_000)
  })
  slow.resume()
  const last = reading.lastId()
  // All that it missed is in the one frame that brings it up to date.
  const lastFrame = () => tail.slice(tail.lastIndexOf(`id: ${last}\n`)).split('\n\n')
  await until('the last frame', () => tail.includes(`id: ${last}\n`) && lastFrame().length > 1)
  const [event = ''] = lastFrame()
  const { counts } = JSON.parse(event.slice(event.indexOf('data: ') + 6))
  expect(counts).toEqual([expect.objectContaining({ id: 'behind', value: 5 })])
  expect(tail.split('event: delta').length - 1).toBeLessThan(5)
  slow.destroy()
}, 60_000)
