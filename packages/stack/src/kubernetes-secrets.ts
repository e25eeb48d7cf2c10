// npm run --silent secrets: prints the Secrets of deploy/kubernetes, for `kubectl apply -f -`. They are what compose.yaml gives its
// services, with the passwords of .env (`npm run env`). A variable in the environment goes before: the address of a store that runs
// elsewhere, and nothing for one that is not there.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseEnv } from 'node:util'
import { parse, stringify } from 'yaml'
import { z } from 'zod'

const root = join(import.meta.dirname, '../../..')

/** The Secrets that are a part of compose.yaml each, by that part. */
const parts = {
  'x-value': 'value',
  'x-replica': 'value-replica',
  'x-cache': 'cache',
  'x-bus': 'bus',
  'x-info-service': 'info-service',
  'x-info-reader': 'info-reader',
  'x-info-owner': 'info-owner',
  'x-archive': 'archive',
  'x-dashboard': 'dashboard',
}
const variables = z.record(z.string(), z.string())

/**
 * The content of each Secret, by its name.
 * @param compose the text of compose.yaml
 * @param own what is known of the deployment: the variables of .env, and addresses that go before compose.yaml's
 * @throws when a variable that an address needs is in neither
 */
export function secretsOf(
  compose: string,
  own: Record<string, string | undefined>,
): Record<string, Record<string, string>> {
  const known = (name: string) => {
    const value = own[name]
    if (!value) throw new Error(`${name} is missing: run npm run env first`)
    return value
  }
  const document = z.record(z.string(), z.unknown()).parse(parse(compose, { merge: true }))
  const fill = (text: string) => text.replace(/\$\{(\w+)[^}]*\}/g, (_, used) => known(used))
  const filled = (given: unknown, keep = (_name: string) => true, from = (name: string) => own[name]) =>
    Object.fromEntries(
      Object.entries(variables.parse(given))
        .filter(([name]) => keep(name))
        .map(([name, text]) => [name, from(name) ?? fill(text)])
        .filter(([, value]) => value),
    )
  const { setup } = z.object({ setup: z.object({ environment: variables }) }).parse(document.services)
  const elsewhere = new Set(
    Object.keys(parts).flatMap((part) => Object.keys(variables.parse(document[part]))),
  )
  const passwords = ['VALUE_PASSWORD', 'CACHE_PASSWORD', 'POSTGRES_PASSWORD']
  const secrets = {
    'service-token': filled(document['x-common'], (name) => name === 'SERVICE_TOKEN'),
    ...Object.fromEntries(Object.entries(parts).map(([part, name]) => [name, filled(document[part])])),
    // Readers call CountInfoDB's replica by the name of the database.
    'info-reader': filled(document['x-info-reader'], undefined, () => own.INFO_REPLICA_DATABASE_URL),
    setup: filled(setup.environment, (name) => !elsewhere.has(name)),
    stores: Object.fromEntries(passwords.map((name) => [name, known(name)])),
  }
  return Object.fromEntries(Object.entries(secrets).filter(([, content]) => Object.keys(content).length > 0))
}

async function main(): Promise<void> {
  const [compose, env] = await Promise.all([
    readFile(join(root, 'compose.yaml'), 'utf8'),
    readFile(join(root, '.env'), 'utf8').catch(() => ''),
  ])
  const documents = Object.entries(secretsOf(compose, { ...parseEnv(env), ...process.env })).map(
    ([name, stringData]) =>
      stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'count' }, stringData }),
  )
  process.stdout.write(documents.join('---\n'))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  main().catch((error: Error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  })
