import { execFile } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Gateway } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/Gateway'
import { HTTPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { findKubernetesValidate } from '../src/kubernetes-tools.ts'
import { services } from './deployed.ts'
import { type Manifests, manifestsOf, type Overlay, readCompose, readEdges } from './manifests.ts'
import { mayConnect, type Party } from './network.ts'

const overlays = ['single', 'scaled'] as const
let rendered: Record<Overlay, Manifests>
let edges: Map<string, string[]>
beforeAll(async () => {
  const [single, scaled] = await Promise.all(overlays.map(manifestsOf))
  rendered = { single, scaled } as Record<Overlay, Manifests>
  edges = await readEdges()
}, 60_000)

describe.each(overlays)('the overlay %s', (overlay) => {
  test('holds against the schemas of Kubernetes and of the Gateway API', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'manifests-')), 'all.yaml')
    await writeFile(file, rendered[overlay].text)
    const { stdout, stderr } = await promisify(execFile)(await findKubernetesValidate(), ['--strict', file])
    const unknown = [...(stdout + stderr).matchAll(/Couldn't find schema for kind (\w+)/g)]
    expect(unknown.map(([, kind]) => kind)).toEqual(['Gateway', 'HTTPRoute'])
    expect(stdout + stderr).toContain('passed for resource networkpolicy/nothing-else')
    for (const [kind, Model] of Object.entries({ Gateway, HTTPRoute })) {
      const [only, ...more] = rendered[overlay].of(kind)
      expect(more).toEqual([])
      expect(() => new Model(only as never).validate()).not.toThrow()
    }
  })

  test('runs every pod as the restricted standard asks, with bounds', () => {
    const { pods, of } = rendered[overlay]
    const [namespace] = of('Namespace')
    expect(namespace?.metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted')
    for (const [name, { spec }] of pods) {
      const [container, ...others] = spec.containers
      expect(others).toEqual([])
      expect(spec.automountServiceAccountToken, name).toBe(false)
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      expect(container?.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      })
      expect(container?.securityContext.capabilities?.add, name).toBeUndefined()
      for (const volume of z.array(z.looseObject({})).default([]).parse(spec.volumes))
        expect(volume).not.toHaveProperty('hostPath')
      for (const way of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers'])
        expect(spec).not.toHaveProperty(way)
      expect(Object.keys(container?.resources.requests ?? {}).sort(), name).toEqual(['cpu', 'memory'])
      expect(container?.resources.limits, name).toHaveProperty('memory')
    }
    for (const name of services)
      expect(pods.get(name)?.spec.containers[0], name).toMatchObject({
        securityContext: { readOnlyRootFilesystem: true },
        startupProbe: { httpGet: { path: '/livez' } },
        livenessProbe: { httpGet: { path: '/livez' } },
        readinessProbe: { httpGet: { path: '/readyz' } },
      })
  })

  test('opens the edges of deploy/edges.yaml and no other', () => {
    const manifests = rendered[overlay]
    const inside = [...manifests.pods].map(
      ([name, { metadata, spec }]): Party => ({
        name,
        labels: metadata.labels,
        ports: Object.fromEntries(
          spec.containers.flatMap(({ ports }) => ports.map((one) => [one.name, one.containerPort])),
        ),
      }),
    )
    const outside: Party[] =
      overlay === 'single'
        ? []
        : Object.entries({ value: 0, cache: 32, kafka: 64, info: 96, archive: 128, dashboard: 160 }).map(
            ([store, last]) => ({ name: store, address: `10.99.0.${last + 5}` }),
          )
    /** Where a store of the table is, here. */
    const place = (store: string) => {
      if (overlay === 'single') return store.replace(/^(info|archive|dashboard)-database$/, 'postgres')
      return store.replace(/-(database|replica)$/, '')
    }
    const strangers: Party[] = [
      { name: 'gateway', labels: {}, namespace: { 'count/gateway': 'true' } },
      { name: 'prometheus', labels: {}, namespace: { 'count/prometheus': 'true' } },
      { name: 'somebody', labels: { 'app.kubernetes.io/name': 'value' }, namespace: {} },
      { name: 'somebody inside', labels: { 'app.kubernetes.io/name': 'somebody' } },
      { name: 'webhooks', address: '203.0.113.9' },
      { name: 'webhooks', address: '2001:db8::9' },
      { name: 'private', address: '192.168.3.4' },
      { name: 'metadata service', address: '169.254.169.254' },
      { name: 'private', address: 'fd00::9' },
    ]
    const portOf = ({ name, ports }: Party): number[] => {
      if (ports && Object.keys(ports).length > 0) return Object.values(ports)
      return (
        { value: [6379], cache: [6379], kafka: [9092] }[name] ??
        (outside.some((one) => one.name === name) ? [5432] : [80, 443])
      )
    }
    const parties = [...inside, ...outside, ...strangers]
    const opened = parties.flatMap((from) =>
      parties
        .filter((to) => to !== from && portOf(to).some((port) => mayConnect(manifests, from, to, port)))
        .filter((to) => (from.labels && !from.namespace) || (to.labels && !to.namespace))
        .map((to) => `${from.name} → ${to.name}`),
    )
    const wanted = [...edges].flatMap(([from, targets]) => targets.map((to) => `${from} → ${place(to)}`))
    if (overlay === 'single') wanted.push('value-replica → value')
    expect([...new Set(opened)].sort()).toEqual([...new Set(wanted)].sort())

    const others = parties.flatMap((from) =>
      parties
        .filter((to) => to !== from && to.name !== 'webhooks' && !(to.namespace && from.namespace))
        .filter((to) => (from.labels && !from.namespace) || (to.labels && !to.namespace))
        .filter((to) => mayConnect(manifests, from, to, 22))
        .map((to) => `${from.name} → ${to.name}`),
    )
    expect(others).toEqual([])
  })

  test('gives each service what compose.yaml gives it', async () => {
    const compose = await readCompose()
    const own = Object.fromEntries(
      [...compose.text.matchAll(/\$\{(\w+)/g)].map(([, name]) => [name, `of-${name}`]),
    )
    const secrets = compose.secretsOf(compose.text, own)
    const filled = (given: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(given).map(([name, text]) => [
          name,
          text.replace(/\$\{(\w+)[^}]*\}/g, (_, used) => own[used]),
        ]),
      )
    // What every deployment chooses for itself differs; that it can be chosen does not.
    const chosen = Object.keys(
      rendered[overlay].of('ConfigMap').find(({ metadata }) => metadata.name.startsWith('settings'))?.data ??
        {},
    )
    const comparable = (variables: Record<string, string>) => ({
      ...variables,
      ...Object.fromEntries(chosen.filter((name) => name in variables).map((name) => [name, 'chosen'])),
    })
    for (const name of [...services, 'setup'])
      expect(comparable(rendered[overlay].environmentOf(name, secrets)), name).toEqual(
        comparable(filled(compose.environmentOf(name))),
      )
  })

  test('reaches what it names', () => {
    const { of } = rendered[overlay]
    const deployments = of('Deployment').map(({ metadata }) => metadata.name)
    expect(deployments.sort()).toEqual([...services].sort())
    expect(of('Service').map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining([...services]))
    const scaled = of('HorizontalPodAutoscaler').map(({ metadata, spec }) => {
      expect(spec).toMatchObject({ scaleTargetRef: { kind: 'Deployment', name: metadata.name } })
      return metadata.name
    })
    const kept = of('PodDisruptionBudget').map(({ metadata, spec }) => {
      expect(spec).toMatchObject({ selector: { matchLabels: { 'app.kubernetes.io/name': metadata.name } } })
      return metadata.name
    })
    const many = overlay === 'scaled' ? [...services].sort() : []
    expect(scaled.sort()).toEqual(many)
    expect(kept.sort()).toEqual(many)
  })
})
