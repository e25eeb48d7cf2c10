import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const name = 'manifest.json'
const manifest = z.object({
  format: z.literal(1, 'is of another version of this program'),
  begun: z.iso.datetime(),
  files: z.array(z.object({ name: z.string().regex(/^[\w.-]+$/), sha256: z.string() })),
})

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return hash.digest('hex')
}

/** Completes a backup: without its manifest a directory is none. */
export async function writeManifest(dir: string, begun: Date, names: string[]): Promise<void> {
  const files = await Promise.all(
    names.map(async (name) => ({ name, sha256: await sha256(join(dir, name)) })),
  )
  const unfinished = await open(join(dir, `${name}.unfinished`), 'w', 0o600)
  await unfinished.writeFile(`${JSON.stringify({ format: 1, begun, files }, null, 2)}\n`)
  await unfinished.sync()
  await unfinished.close()
  await rename(join(dir, `${name}.unfinished`), join(dir, name))
}

/** @returns the names of a complete backup's files @throws when it is none, or a file is not what was written */
export async function readManifest(dir: string): Promise<string[]> {
  const text = await readFile(join(dir, name), 'utf8').catch(() => {
    throw new Error(`${dir} is no complete backup: there is no ${name} in it`)
  })
  const { files } = manifest.parse(JSON.parse(text))
  for (const { name, sha256: expected } of files) {
    const found = await sha256(join(dir, name)).catch(() => undefined)
    if (found !== expected)
      throw new Error(`${join(dir, name)} is ${found ? 'not what the backup wrote' : 'missing'}`)
  }
  return files.map(({ name }) => name)
}
