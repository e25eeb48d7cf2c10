import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isPublicAddress, publicLookup, targetFault } from '../src/alerts/public-address.ts'
import { createWebhookSender } from '../src/alerts/webhook-sender.ts'
import { openReceiver, type Receiver } from './receiver.ts'

const privateAddresses = [
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['0.0.0.0', 'this host'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['169.254.169.254', 'link-local: metadata of most clouds'],
  ['100.64.0.1', 'shared by a carrier'],
  ['100.100.100.200', 'metadata of Alibaba'],
  ['168.63.129.16', 'wire server of Azure'],
  ['192.0.0.192', 'metadata of Oracle'],
  ['192.0.2.1', 'documentation'],
  ['198.18.0.1', 'benchmarks'],
  ['224.0.0.1', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'this host'],
  ['::1', 'loopback'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local with its zone'],
  ['fc00::1', 'unique local'],
  ['fd00:ec2::254', 'metadata of AWS'],
  ['fec0::1', 'site-local'],
  ['ff02::1', 'multicast'],
  ['2001:db8::1', 'documentation'],
  ['::ffff:127.0.0.1', 'loopback, mapped'],
  ['::ffff:a9fe:a9fe', 'metadata, mapped'],
  ['::ffff:168.63.129.16', 'wire server, mapped'],
  ['::127.0.0.1', 'loopback, compatible'],
  ['64:ff9b::7f00:1', 'loopback behind NAT64'],
  ['64:ff9b::a9fe:a9fe', 'metadata behind NAT64'],
  ['64:ff9b:1::a00:1', 'private behind local NAT64'],
  ['2002:7f00:1::', 'loopback by 6to4'],
  ['2001:0:7f00:1::', 'Teredo'],
  ['100::1', 'discarded'],
  ['4000::1', 'not given out'],
  ['not an address', ''],
  ['', ''],
] as const

describe('an address', () => {
  test.for(privateAddresses)('%s is not public (%s)', ([address]) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  test.for(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])(
    '%s is public',
    (address) => expect(isPublicAddress(address)).toBe(true),
  )
})

describe('a target', () => {
  test.for([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://0x7f000001/',
    'https://2130706433/',
    'https://017700000001/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]:8443/x',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1.',
    'https://localhost/',
    'https://LOCALHOST:8080/',
    'https://localhost./',
    'https://x.localhost/',
    'https://①②⑦.⓪.⓪.①/',
    'http://hooks.example/',
    'https://user@hooks.example/',
    'https://:secret@hooks.example/',
    'ftp://hooks.example/',
    'javascript:alert(1)',
    '//hooks.example/',
    'hooks.example',
    '',
  ])('%s is refused before anybody is asked', (url) => {
    expect(targetFault(url, false)).toEqual(expect.any(String))
  })

  test('is any public https address, and with the setting a private one without TLS', () => {
    expect(targetFault('https://hooks.example:8443/x?y#z', false)).toBeUndefined()
    expect(targetFault('https://8.8.8.8/', false)).toBeUndefined()
    expect(targetFault('http://127.0.0.1/', true)).toBeUndefined()
    expect(targetFault('ftp://127.0.0.1/', true)).toEqual(expect.any(String))
    expect(targetFault('http://a:b@127.0.0.1/', true)).toEqual(expect.any(String))
  })
})

describe('a connection', () => {
  let receiver: Receiver
  beforeAll(async () => {
    receiver = await openReceiver()
  })
  afterAll(() => receiver.close())

  /** One attempt, by a sender that resolves names as told. */
  async function attempt(url: string, options: Parameters<typeof createWebhookSender>[0]) {
    const sender = createWebhookSender(options)
    const secrets = [`whsec_${Buffer.alloc(32, 1).toString('base64')}`]
    const body =
      '{"type":"x","timestamp":"2026-01-01T00:00:00Z","data":{"alert":{"id":"a","name":""},"count":"a","state":"open","value":1,"version":1,"cause":"value"}}'
    const result = await sender.send({ url, id: 'msg_x', body, secrets })
    await sender.close()
    return result
  }

  test.for(privateAddresses.slice(0, -2))('to a name that leads to %s is not made', async ([address]) => {
    const family = address.includes(':') ? 6 : 4
    const lookup = publicLookup(async () => [
      { address: '8.8.8.8', family: 4 },
      { address, family },
    ])
    const result = await attempt(`https://hooks.example:${receiver.port}/`, { allowPrivate: false, lookup })
    expect(result).toMatchObject({ delivered: false, error: 'the name leads to a private address' })
  })

  test('to a name without an address, or that cannot be asked for, is not made', async () => {
    const url = 'https://hooks.example/'
    const nothing = await attempt(url, { allowPrivate: false, lookup: publicLookup(async () => []) })
    expect(nothing.error).toBe('the name leads to a private address')
    const lookup = publicLookup(async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
    })
    expect((await attempt(url, { allowPrivate: false, lookup })).error).toBe('failed: ENOTFOUND')
  })

  test('goes to the address that was looked at: the name is asked for once', async () => {
    const answers = ['8.8.8.8', '127.0.0.1']
    const asked: string[] = []
    const lookup = publicLookup(async (name) => {
      asked.push(name)
      return [{ address: answers[asked.length - 1] ?? '127.0.0.1', family: 4 }]
    })
    const connectedTo: string[] = []
    // What net.connect is given is what it connects to; nothing here leaves the machine.
    const spying: typeof lookup = (name, options, callback) =>
      lookup(name, options, (error, found, family) => {
        connectedTo.push(JSON.stringify(found))
        callback(
          error ?? Object.assign(new Error('no network in tests'), { code: 'ENETUNREACH' }),
          found,
          family,
        )
      })
    const result = await attempt('https://rebinding.example/', { allowPrivate: false, lookup: spying })
    expect(result.error).toBe('failed: ENETUNREACH')
    expect(asked).toEqual(['rebinding.example'])
    expect(connectedTo).toEqual(['[{"address":"8.8.8.8","family":4}]'])
  })

  test('of a target that was saved when it was allowed is judged by the setting of now', async () => {
    const result = await attempt(receiver.url, { allowPrivate: false })
    expect(result).toMatchObject({ delivered: false, error: 'the address must begin with https://' })
    const literal = await attempt(`https://127.0.0.1:${receiver.port}/`, { allowPrivate: false })
    expect(literal.error).toBe('the address must not be a private address')
    expect(receiver.received).toEqual([])
    expect(await attempt(receiver.url, { allowPrivate: true })).toMatchObject({
      delivered: true,
      status: 204,
    })
  })

  test('without an answer in time is given up, before its head and in its body', async () => {
    receiver.answerBy(() => 'silence')
    const silent = await attempt(receiver.url, { allowPrivate: true, timeoutMs: 300 })
    expect(silent).toMatchObject({ delivered: false, status: null, error: 'did not answer within 0.3 s' })
    const server = createServer((_request, response) => void response.writeHead(200).write('x'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const dripping = await attempt(`http://127.0.0.1:${port}/`, { allowPrivate: true, timeoutMs: 300 })
    expect(dripping).toMatchObject({ delivered: true, status: 200 })
    server.closeAllConnections()
    server.close()
  })
})
