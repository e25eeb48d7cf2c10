import { lookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Says that a webhook must not go there. */
export class ForbiddenAddress extends Error {
  override name = 'ForbiddenAddress'
}

const globalUnicast = ipaddr.parseCIDR('2000::/3')
/** Public by its number, but answered by the host below a virtual machine of Azure. */
const wireServer = '168.63.129.16'

/**
 * Whether an address is one of the public internet: neither private, shared, loopback, link-local (where clouds keep their metadata),
 * multicast, reserved, nor an IPv6 form that carries an IPv4 address (mapped, 6to4, NAT64, Teredo) of those.
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  // A mapped address is reached as the IPv4 one that it is.
  const address = ipaddr.process(text)
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv6' ? address.match(globalUnicast) : address.toString() !== wireServer
}

const literalOf = (hostname: string) => hostname.replace(/^\[|\]$/g, '')

/**
 * Why a webhook must not go to this URL; undefined: it may, as far as can be told before its name is resolved.
 * @param allowPrivate whether it may be a private address, and plain HTTP
 */
export function targetFault(text: string, allowPrivate: boolean): string | undefined {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return 'must be a URL that begins with https://'
  if (url.username !== '' || url.password !== '') return 'must not have a user name or password'
  if (allowPrivate) return undefined
  if (url.protocol !== 'https:') return 'must begin with https://'
  const literal = literalOf(url.hostname)
  if (ipaddr.isValid(literal) ? !isPublicAddress(literal) : /(^|\.)localhost\.?$/.test(literal))
    return 'must not be a private address'
  return undefined
}

/**
 * The look-up of names for connections to webhooks. What it found is what is connected to: between check and connection nobody asks
 * again, so a name that answers otherwise the second time gains nothing. One address that is not public refuses the name.
 * @param resolve every address of a name
 */
export function publicLookup(
  resolve: (name: string) => Promise<{ address: string; family: number }[]> = resolveAll,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (found) => {
        const [first] = found
        if (!first || !found.every(({ address }) => isPublicAddress(address)))
          callback(new ForbiddenAddress('the name leads to a private address'), '')
        else if (options.all) callback(null, found)
        else callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    )
  }
}

const resolveAll = (name: string) => lookup(name, { all: true })
