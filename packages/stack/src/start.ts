import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { ConfigError, readConfig, serverSettings } from '@count/core/config'
import { connectPostgres } from '@count/core/postgres'
import { openContext, type RunningServer, type ServiceParts, serve, stopSignal } from '@count/core/service'
import { openAnalysis } from 'count-analysis-service/app'
import { analysisSettings } from 'count-analysis-service/config'
import { migrateInfo, openManagement } from 'count-management-service/app'
import { managementSettings } from 'count-management-service/config'
import { openRead } from 'count-read-service/app'
import { readSettings } from 'count-read-service/config'
import { openWrite } from 'count-write-service/app'
import { writeSettings } from 'count-write-service/config'
import { openProvision } from 'dashboard-provision-service/app'
import { provisionSettings } from 'dashboard-provision-service/config'
import { openUpdate } from 'dashboard-update-service/app'
import { updateSettings } from 'dashboard-update-service/config'
import { z } from 'zod'
import { firstStart } from './first-start.ts'
import { inProcessFetch, inProcessUrl } from './in-process-fetch.ts'
import { openStack } from './stack.ts'

const serverConfig = z.object(serverSettings)

/** `npm start`: the stores that were given no address, and every service in this one process on one port. */
async function start(): Promise<void> {
  const signalled = stopSignal()
  const server = readConfig(serverConfig)
  let running: RunningServer | undefined
  const context = await openContext(
    'count',
    server,
    inProcessFetch(() => running?.app),
  )
  const { log } = context
  const dataDir = resolve(process.env.DATA_DIR || '.data')
  const opened: ServiceParts[] = []
  const open = async (part: Promise<ServiceParts>) => {
    opened.push(await part)
  }
  const stack = await openStack({ dataDir, env: process.env, kafka: process.argv.includes('--kafka'), log })
  try {
    const scheme = server.TLS_CERT ? 'https' : 'http'
    const url = server.PUBLIC_URL ?? `${scheme}://localhost:${server.PORT}`
    const env = {
      MANAGEMENT_URL: inProcessUrl,
      READ_URL: inProcessUrl,
      PROVISION_URL: inProcessUrl,
      ...process.env,
      ...stack.addresses,
      PUBLIC_URL: url,
      SERVICE_TOKEN: process.env.SERVICE_TOKEN || randomBytes(24).toString('base64url'),
    }
    const management = readConfig(managementSettings, env)
    const write = readConfig(writeSettings, env)
    const read = readConfig(readSettings, env)
    const analysis = readConfig(analysisSettings, env)
    const provision = readConfig(provisionSettings, env)
    const update = readConfig(updateSettings, env)
    await migrateInfo(management)
    const sql = connectPostgres(management.INFO_DATABASE_URL, { name: 'first-start', max: 1 })
    const created = await firstStart(dataDir, url, sql, process.env).finally(() => sql.end())

    await Promise.all([
      open(openManagement(management, context)),
      open(openWrite(write, context)),
      open(openRead(read, context)),
      open(openAnalysis(analysis, context)),
      open(openProvision(provision, context)),
      open(openUpdate(update, context)),
    ])
    running = await serve({ ...server, PUBLIC_URL: url }, context, opened, { after: stack.close, signalled })
    if (created) {
      process.stdout.write(
        `\nAn administrator and an API key were created; they are shown this once and kept in ${dataDir}/credentials.json:\n` +
          `  username  ${created.admin.username}\n  password  ${created.admin.password}\n  API key   ${created.apiKey}\n`,
      )
    }
    process.stdout.write(`\nCount is at ${url}\n`)
  } catch (error) {
    await Promise.allSettled(opened.map((part) => part.close()))
    await stack.close()
    throw error
  }
}

start().catch((error: unknown) => {
  const told =
    error instanceof ConfigError
      ? `wrong settings\n${error.message}`
      : error instanceof Error
        ? error.stack
        : error
  process.stderr.write(`count: ${told}\n`)
  process.exit(1)
})
