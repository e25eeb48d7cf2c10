import { once } from 'node:events'
import { get } from 'node:http'
import { localStores } from './local-stores.ts'
import type { StackState } from './stack-state.ts'
import type { Environment } from './store-addresses.ts'
import type { StoreSource } from './stores.ts'
import type { Log } from './supervise.ts'

const SOCKET_DEADLINE_MS = 2_000
const IMAGE_DEADLINE_MS = 20_000

/**
 * Decides where stores come from: STACK=docker, local, or auto (as when unset): Docker where it can run an image, else
 * local binaries. Data stay with what made them, as the versions differ: `state.source` remembers it.
 * @throws when STACK says something else, Docker is asked for and does not work, or the data are of the other kind
 */
export async function chooseSource(env: Environment, state: StackState, log: Log): Promise<StoreSource> {
  const asked = env.STACK || 'auto'
  if (asked !== 'auto' && asked !== 'docker' && asked !== 'local') {
    throw new Error(`STACK is ${asked}: it must be auto, docker or local`)
  }
  const wanted = asked === 'auto' ? (state.source ?? 'auto') : asked
  if (state.source && wanted !== state.source) {
    throw new Error(`the data were made with STACK=${state.source}: keep it, or choose another DATA_DIR`)
  }
  if (wanted !== 'local') {
    const fault = await dockerFault(env)
    if (fault && wanted === 'docker') throw new Error(`Docker cannot run the stores: ${fault}`)
    if (fault) log.info(`Docker cannot run the stores (${fault}): using local binaries`)
    else {
      state.source = 'docker'
      return (await import('./docker-stores.ts')).dockerStores
    }
  }
  state.source = 'local'
  return localStores
}

/** Why Docker cannot run an image, undefined when it can. */
async function dockerFault(env: Environment): Promise<string | undefined> {
  const host = env.DOCKER_HOST ?? 'unix:///var/run/docker.sock'
  // A remote Docker's containers would not listen here.
  if (!host.startsWith('unix://')) return `it is not on this machine (DOCKER_HOST=${host})`
  const ping = get({ socketPath: host.slice('unix://'.length), path: '/_ping' })
  ping.on('error', () => {}) // also one that comes after its answer was awaited
  try {
    const [{ statusCode }] = await once(ping, 'response', { signal: AbortSignal.timeout(SOCKET_DEADLINE_MS) })
    if (statusCode !== 200) return `it answers ${statusCode} on ${host}`
  } catch {
    return `nobody answers on ${host}`
  } finally {
    ping.destroy()
  }
  // Loaded when it is needed only: testcontainers is large.
  const { tryImage } = await import('./docker-trial.ts')
  const timeout = new Promise<string>((resolve) => {
    setTimeout(resolve, IMAGE_DEADLINE_MS, `no image ran within ${IMAGE_DEADLINE_MS / 1000} s`).unref()
  })
  return await Promise.race([tryImage(), timeout])
}
