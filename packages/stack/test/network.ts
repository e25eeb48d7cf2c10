import { BlockList, isIPv6 } from 'node:net'
import type { Manifests, NetworkPolicy, Selector } from './manifests.ts'

/** Somebody on the network: a pod of the deployment, one of another namespace, or an address outside. */
export interface Party {
  name: string
  /** of the pod; absent: it is none of the deployment's */
  labels?: Record<string, string>
  /** of the pod's namespace, for one of another */
  namespace?: Record<string, string>
  address?: string
  ports?: Record<string, number>
}

const matches = (selector: Selector, labels: Record<string, string>) =>
  Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value) &&
  selector.matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))

function holds({ cidr, except }: { cidr: string; except: string[] }, address: string): boolean {
  const inside = (block: string) => {
    const [network = '', bits] = block.split('/')
    const family = isIPv6(network) ? 'ipv6' : 'ipv4'
    if (isIPv6(address) !== (family === 'ipv6')) return false
    const list = new BlockList()
    list.addSubnet(network, Number(bits), family)
    return list.check(address, family)
  }
  return inside(cidr) && !except.some(inside)
}

type Peer = NetworkPolicy['egress'][number]['to'][number]

function names(peer: Peer, party: Party): boolean {
  if (peer.ipBlock) return party.address !== undefined && holds(peer.ipBlock, party.address)
  if (party.labels === undefined) return false
  if (peer.namespaceSelector) {
    if (!party.namespace || !matches(peer.namespaceSelector, party.namespace)) return false
  } else if (party.namespace) return false
  return !peer.podSelector || matches(peer.podSelector, party.labels)
}

/** Whether the overlay's policies let `from` open a TCP connection to a port of `to`, as Kubernetes judges it. */
export function mayConnect({ policies }: Manifests, from: Party, to: Party, port: number): boolean {
  const opens = (direction: 'Ingress' | 'Egress', self: Party, other: Party) => {
    // Policies of this namespace say nothing of others' pods.
    if (self.labels === undefined || self.namespace) return true
    const { labels } = self
    const mine = policies.filter(
      (policy) => policy.policyTypes.includes(direction) && matches(policy.podSelector, labels),
    )
    return (
      mine.length === 0 ||
      mine.some((policy) =>
        [
          ...policy.ingress.map(({ from, ports }) => ({ peers: from, ports, direction: 'Ingress' })),
          ...policy.egress.map(({ to, ports }) => ({ peers: to, ports, direction: 'Egress' })),
        ].some(
          (rule) =>
            rule.direction === direction &&
            rule.peers.some((peer) => names(peer, other)) &&
            rule.ports.some(
              (one) =>
                one.protocol === 'TCP' &&
                (one.port === undefined ||
                  (typeof one.port === 'string' ? to.ports?.[one.port] : one.port) === port),
            ),
        ),
      )
    )
  }
  return opens('Egress', from, to) && opens('Ingress', to, from)
}
