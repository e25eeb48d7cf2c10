import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findMaven } from './binaries.ts'

const POM = join(import.meta.dirname, '../kafka/pom.xml')
const run = promisify(execFile)

/**
 * The directory of Kafka's jars: fetched through Maven at the first call for this pom.xml (54 MB, 10 to 60 s), kept in
 * the user's cache directory.
 * @throws when Maven is missing and cannot be installed, or cannot fetch them
 */
export async function kafkaJars(): Promise<string> {
  const pom = await readFile(POM)
  const version = createHash('sha256').update(pom).digest('hex').slice(0, 12)
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'count')
  const jars = join(cache, `kafka-${version}`)
  if (await stat(jars).catch(() => null)) return jars

  const maven = await findMaven()
  process.stderr.write('fetching Kafka through Maven, once\n')
  await mkdir(cache, { recursive: true })
  const unfinished = await mkdtemp(`${jars}.`)
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${unfinished}`]
  try {
    await run(maven, ['-q', '-B', '-f', POM, ...goal])
    await rename(unfinished, jars)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    // Two starts may fetch at once; the second then finds the first one's.
    if (await stat(jars).catch(() => null)) return jars
    throw new Error('Maven could not fetch Kafka; KAFKA_BROKERS can name one that runs', { cause: error })
  }
  return jars
}
