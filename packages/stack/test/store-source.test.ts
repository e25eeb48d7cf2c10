import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { localStores } from '../src/local-stores.ts'
import { readState, type StackState } from '../src/stack-state.ts'
import { chooseSource } from '../src/store-source.ts'

const NO_DOCKER = { DOCKER_HOST: 'unix:///nowhere/docker.sock' }

async function choose(env: Record<string, string>, source?: StackState['source']) {
  const lines: string[] = []
  const log = { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) }
  const state = { ...(await readState('/nowhere')), source }
  return { chosen: await chooseSource(env, state, log), state, lines }
}

test('without Docker the stores are local, and one line says why', async () => {
  const { chosen, state, lines } = await choose(NO_DOCKER)
  expect(chosen).toBe(localStores)
  expect(state.source).toBe('local')
  expect(lines).toEqual([expect.stringMatching('nobody answers on .* using local binaries')])
})

test('a Docker that answers nothing gives way within seconds', async () => {
  // A daemon that answers nothing it is asked.
  const socket = join(tmpdir(), 'docker.sock')
  const daemon = createServer((connection) => connection.on('error', () => {}).destroy())
  await new Promise<void>((resolve) => daemon.listen(socket, resolve))
  const begin = performance.now()
  const { chosen, lines } = await choose({ DOCKER_HOST: `unix://${socket}` })
  expect(chosen).toBe(localStores)
  expect(lines).toHaveLength(1)
  expect(performance.now() - begin).toBeLessThan(21_000)
  daemon.close()
})

test('Docker that is asked for and does not work is an error', async () => {
  await expect(choose({ ...NO_DOCKER, STACK: 'docker' })).rejects.toThrow('Docker cannot run the stores')
})

test('data that Docker made are not opened by local binaries', async () => {
  await expect(choose({ STACK: 'local' }, 'docker')).rejects.toThrow('made with STACK=docker')
  await expect(choose(NO_DOCKER, 'docker')).rejects.toThrow('Docker cannot run the stores')
})

test('another word in STACK is refused', async () => {
  await expect(choose({ STACK: 'podman' })).rejects.toThrow('must be auto, docker or local')
})
