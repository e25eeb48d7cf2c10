import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createApiKey } from '@count/core/api-keys'
import type { Sql } from '@count/core/postgres'
import { ensureAdministrator, ensureApiKey } from 'count-management-service/first-start'
import { z } from 'zod'
import { writeSecret } from './stack-state.ts'

const credentials = z.object({
  url: z.string(),
  admin: z.object({ username: z.string(), password: z.string() }),
  apiKey: z.string(),
})

export type Credentials = z.infer<typeof credentials>

/**
 * Creates the first administrator and the first API key and writes `$DATA_DIR/credentials.json` (mode 600). The file is
 * there before they are: a start that is killed in between leaves nobody locked out, the next one goes on from the file.
 * @returns the credentials when this call created them, to be shown this once
 */
export async function firstStart(
  dataDir: string,
  url: string,
  sql: Sql,
  env: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  const file = join(dataDir, 'credentials.json')
  const kept = await readFile(file, 'utf8').then(
    (text) => credentials.parse(JSON.parse(text)),
    () => undefined,
  )
  const wanted = kept ?? {
    url,
    admin: {
      username: env.ADMIN_USERNAME || 'admin',
      password: env.ADMIN_PASSWORD || randomBytes(18).toString('base64url'),
    },
    apiKey: createApiKey().key,
  }
  await writeSecret(file, { ...wanted, url })
  const admin = await ensureAdministrator(sql, wanted.admin)
  const apiKey = await ensureApiKey(sql, wanted.apiKey)
  if (admin && apiKey) return { ...wanted, url }
  // The accounts are older than the file: it would name an administrator and a key that do not exist.
  if (!kept) await rm(file)
  return undefined
}
