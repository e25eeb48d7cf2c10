import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { secretsOf } from '../src/kubernetes-secrets.ts'
import { findKubectl } from '../src/kubernetes-tools.ts'

const root = join(import.meta.dirname, '../../..')
const read = (path: string) => readFile(join(root, path), 'utf8')

const labels = z.record(z.string(), z.string())
const pod = z.object({
  metadata: z.object({ labels }),
  spec: z.looseObject({
    automountServiceAccountToken: z.boolean().optional(),
    securityContext: z.looseObject({
      runAsNonRoot: z.boolean().optional(),
      seccompProfile: z.object({ type: z.string() }).optional(),
    }),
    containers: z.array(
      z.looseObject({
        name: z.string(),
        command: z.array(z.string()).optional(),
        env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
        envFrom: z
          .array(
            z.object({
              configMapRef: z.object({ name: z.string() }).optional(),
              secretRef: z.object({ name: z.string(), optional: z.boolean().optional() }).optional(),
            }),
          )
          .default([]),
        ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
        resources: z.looseObject({ requests: labels, limits: labels }),
        securityContext: z.looseObject({
          allowPrivilegeEscalation: z.boolean().optional(),
          readOnlyRootFilesystem: z.boolean().optional(),
          capabilities: z
            .object({ drop: z.array(z.string()), add: z.array(z.string()).optional() })
            .optional(),
        }),
      }),
    ),
  }),
})
export type Pod = z.infer<typeof pod>

const selector = z.strictObject({
  matchLabels: labels.default({}),
  matchExpressions: z
    .array(z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }))
    .default([]),
})
export type Selector = z.infer<typeof selector>
const peers = z
  .array(
    z.strictObject({
      podSelector: selector.optional(),
      namespaceSelector: selector.optional(),
      ipBlock: z.object({ cidr: z.string(), except: z.array(z.string()).default([]) }).optional(),
    }),
  )
  .min(1)
const ports = z
  .array(
    z.object({ port: z.union([z.string(), z.number()]).optional(), protocol: z.string().default('TCP') }),
  )
  .min(1)
const networkPolicy = z.object({
  podSelector: selector,
  policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
  ingress: z.array(z.strictObject({ from: peers, ports })).default([]),
  egress: z.array(z.strictObject({ to: peers, ports })).default([]),
})
export type NetworkPolicy = z.infer<typeof networkPolicy>

const route = z.object({
  rules: z.array(
    z.looseObject({
      matches: z.array(
        z.strictObject({
          method: z.string().optional(),
          path: z.object({ type: z.enum(['Exact', 'PathPrefix', 'RegularExpression']), value: z.string() }),
        }),
      ),
      backendRefs: z.tuple([z.object({ name: z.string(), port: z.literal(8080) })]),
    }),
  ),
})
export type Route = z.infer<typeof route>

const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: labels.default({}) }),
  data: labels.optional(),
})
const workload = z.looseObject({ spec: z.looseObject({ template: pod }) })

export type Overlay = 'single' | 'scaled'
export type Manifests = Awaited<ReturnType<typeof manifestsOf>>

/** An overlay of deploy/kubernetes as kustomize renders it. */
export async function manifestsOf(overlay: Overlay) {
  const { stdout: text } = await promisify(execFile)(await findKubectl(), [
    'kustomize',
    join(root, 'deploy/kubernetes/overlays', overlay),
  ])
  const objects = parseAllDocuments(text, { merge: true }).map((document) => object.parse(document.toJS()))
  const of = (kind: string) => objects.filter((one) => one.kind === kind)
  const pods = new Map(
    objects
      .filter(({ kind }) => ['Deployment', 'StatefulSet', 'Job'].includes(kind))
      .map((one) => [one.metadata.name, workload.parse(one).spec.template]),
  )
  return {
    text,
    objects,
    of,
    /** By the name of what runs them. */
    pods,
    policies: of('NetworkPolicy').map(({ spec }) => networkPolicy.parse(spec)),
    routes: of('HTTPRoute').map(({ spec }) => route.parse(spec)),
    /** The variables that a workload's process gets, with these Secrets in the cluster. */
    environmentOf(name: string, secrets: Record<string, Record<string, string>>): Record<string, string> {
      const container = pods.get(name)?.spec.containers[0]
      if (!container) throw new Error(`${name} is not there`)
      const from = container.envFrom.map(({ configMapRef, secretRef }) => {
        const found = secretRef
          ? secrets[secretRef.name]
          : of('ConfigMap').find(({ metadata }) => metadata.name === configMapRef?.name)?.data
        if (!found && !secretRef?.optional)
          throw new Error(`${name} needs ${secretRef?.name ?? configMapRef?.name}`)
        return found ?? {}
      })
      const own = container.env.map(({ name, value = '' }) => [name, value])
      return Object.assign({}, ...from, Object.fromEntries(own))
    },
  }
}

/** deploy/edges.yaml: whom each calls. */
export async function readEdges(): Promise<Map<string, string[]>> {
  const table = z.record(z.string(), z.array(z.string())).parse(parse(await read('deploy/edges.yaml')))
  return new Map(Object.entries(table))
}

/** What compose.yaml gives a service as its environment, unfilled. */
export async function readCompose() {
  const text = await read('compose.yaml')
  const { services } = z
    .object({ services: z.record(z.string(), z.looseObject({ environment: labels.optional() })) })
    .parse(parse(text, { merge: true }))
  return { text, environmentOf: (service: string) => services[service]?.environment ?? {}, secretsOf }
}
