import { text } from 'node:stream/consumers'
import { GenericContainer, getContainerRuntimeClient } from 'testcontainers'
import type { Store } from './supervise.ts'
import { until } from './until.ts'

// Ryuk would end the stores a moment after this process, and is one more image to fetch. What a killed process leaves is
// ended by the next start instead, as with local servers.
process.env.TESTCONTAINERS_RYUK_DISABLED = 'true'

/** Marks a container as the store of a data directory. */
const LABEL = 'count.store'

export type ContainerOptions = {
  image: string
  /** names the store and its data directory; no two containers share it */
  label: string
  command?: string[]
  env?: Record<string, string>
  /** host directory → directory in the container */
  binds: Record<string, string>
  /** whether it serves */
  ready: () => Promise<boolean>
}

const START_DEADLINE_MS = 120_000
const STOP_DEADLINE_S = 4

/**
 * Starts a container on the host's network, where its server listens on 127.0.0.1 alone as a local one does, and awaits
 * that it serves. What an earlier start left under this label is removed first.
 * @throws with the end of its log when it does not come to serve
 */
export async function startContainer(options: ContainerOptions): Promise<Store> {
  await removeContainers(options.label)
  const started = await new GenericContainer(options.image)
    .withNetworkMode('host')
    .withLabels({ [LABEL]: options.label })
    .withBindMounts(Object.entries(options.binds).map(([source, target]) => ({ source, target })))
    .withEnvironment(options.env ?? {})
    .withCommand(options.command ?? [])
    .start()
  const { container: docker } = await getContainerRuntimeClient()
  const container = docker.getById(started.getId())
  let running: boolean
  let exited: Promise<void>

  function watch(): void {
    running = true
    exited = container.wait().then(
      () => {
        running = false
      },
      () => {
        running = false
      },
    )
  }

  async function becomeReady(): Promise<void> {
    watch()
    const serves = async () => !running || (await options.ready())
    await until(`${options.image} to serve`, serves, { deadlineMs: START_DEADLINE_MS, everyMs: 50 })
    if (!running) throw new Error(`${options.image} ended at once; the end of its log:\n${await log()}`)
  }

  const log = async () => text(await docker.logs(container, { tail: 15 }))

  async function stop(): Promise<void> {
    await container.stop({ t: STOP_DEADLINE_S }).catch(() => {})
    await container.remove({ force: true }).catch(() => {})
  }

  try {
    await becomeReady()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    get exited() {
      return exited
    },
    stop,
    async restart() {
      await container.stop({ t: STOP_DEADLINE_S }).catch(() => {})
      await container.start()
      await becomeReady()
    },
  }
}

/** Ends and removes what is left of a store. */
async function removeContainers(label: string): Promise<void> {
  const { container: docker } = await getContainerRuntimeClient()
  const filters = { label: [`${LABEL}=${label}`] }
  for (const { Id } of await docker.dockerode.listContainers({ all: true, filters })) {
    const container = docker.getById(Id)
    await container.stop({ t: STOP_DEADLINE_S }).catch(() => {})
    await container.remove({ force: true })
  }
}
