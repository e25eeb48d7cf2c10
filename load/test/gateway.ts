import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { findCaddy } from '@count/stack/binaries'
import { spawnServer } from '@count/stack/child-server'
import { freePorts } from '@count/stack/ports'
import { AUTHORITATIVE_ANSWER, decode, encode } from 'dns-packet'

const caddyfile = join(import.meta.dirname, '../../deploy/Caddyfile')

/** A name server as Docker's: the addresses of those containers that run, in any order, for no longer than this answer. */
async function startNames(
  closing: AsyncDisposableStack,
  addressesOf: (name: string) => string[] | undefined,
) {
  const socket = createSocket('udp4')
  closing.defer(async () => void socket.close())
  socket.on('message', (message, from) => {
    const { id, questions = [] } = decode(message)
    const [question] = questions
    const addresses = addressesOf(question?.name ?? '')
    const answers = question?.type === 'A' ? (addresses ?? []) : []
    const answer = encode({
      type: 'response',
      id,
      // With authority, or no address at the moment would look like a server that knows nothing. No such name: 3.
      flags: AUTHORITATIVE_ANSWER | (addresses ? 0 : 3),
      questions,
      answers: answers
        .toSorted(() => Math.random() - 0.5)
        .map((data) => ({ type: 'A', name: question?.name ?? '', ttl: 0, data })),
    })
    socket.send(answer, from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return `udp/127.0.0.1:${socket.address().port}`
}

/**
 * Caddy with deploy/Caddyfile, but for ports and the name server; beside it what the services use among themselves, where each has its name
 * alone in the network of compose.
 */
export async function startGateway<Name extends string>(
  closing: AsyncDisposableStack,
  ports: ReadonlyMap<Name, number>,
  addressesOf: (name: Name) => string[],
) {
  const known = (name: string): name is Name => ports.has(name as Name)
  const names = await startNames(closing, (name) => (known(name) ? addressesOf(name) : undefined))
  const [port, ...innerPorts] = await freePorts(1 + ports.size)
  const inner = new Map([...ports.keys()].map((name, n) => [name, innerPorts[n]]))
  const told = (await readFile(caddyfile, 'utf8'))
    .replace('{args.0}:8080', '{args.0}')
    .replace(/import to ([\w-]+)/g, (_, name: Name) => `import to ${name}:${ports.get(name)}`)
    .replace('transport http {', `transport http {\nresolvers ${names}`)
    .replace('}:8443 {', `}:${port} {\nbind 127.0.0.1`)
  const among = [...inner].map(
    ([name, at]) => `http://127.0.0.1:${at} {\nbind 127.0.0.1\nimport to ${name}:${ports.get(name)}\n}`,
  )
  const dir = await mkdtemp(join(tmpdir(), 'gateway-'))
  closing.defer(() => rm(dir, { recursive: true }))
  const config = join(dir, 'Caddyfile')
  const logFile = join(dir, 'log')
  await writeFile(config, [told, ...among].join('\n'))
  const caddy = await spawnServer({
    command: await findCaddy(),
    args: ['run', '--config', config, '--adapter', 'caddyfile'],
    cwd: dir,
    logFile,
    env: {
      PATH: process.env.PATH,
      HOME: dir,
      XDG_DATA_HOME: dir,
      XDG_CONFIG_HOME: dir,
      COUNT_HOST: 'localhost',
    },
  })
  closing.defer(() => caddy.stop('SIGTERM', 10_000))
  const file = join(dir, 'caddy/pki/authorities/local/root.crt')
  let authority = ''
  await caddy.ready(async () => {
    authority = await readFile(file, 'utf8')
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority })
    // Until its certificate is made it ends the handshake.
    await once(socket, 'secureConnect').finally(() => socket.destroy())
    return true
  }, 20_000)
  return {
    url: `https://localhost:${port}`,
    /** The certificate of the authority that signed the gateway's. */
    authority,
    inside: (name: Name) => `http://127.0.0.1:${inner.get(name)}`,
    log: () => readFile(logFile, 'utf8'),
  }
}
