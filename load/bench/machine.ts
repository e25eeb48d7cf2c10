import { execFile } from 'node:child_process'
import { cpus, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'
import { findRedisServer } from '@count/stack/binaries'

/** What the numbers were measured on, as a Markdown list. */
export async function describeMachine(generator: string): Promise<string> {
  const { stdout } = await promisify(execFile)(await findRedisServer(), ['--version'])
  const redis = stdout.match(/v=(\S+)/)?.[1] ?? 'of unknown version'
  const [cpu] = cpus()
  return [
    `- ${new Date().toISOString().slice(0, 10)}`,
    `- ${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    `- Node ${process.versions.node}, Redis ${redis}, load by ${generator}`,
    '- load, servers and stores share these cores',
  ].join('\n')
}
