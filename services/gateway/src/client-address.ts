/** Whose request it is, by address: forwarded addresses are believed only from configured proxies (R2.7). */
import { BlockList, isIP } from 'node:net'

/** Compiled once per change of the setting. */
export type TrustedProxies = (address: string) => boolean

/** `entries` are addresses or networks in CIDR form, already validated. */
export const compileTrustedProxies = (entries: readonly string[]): TrustedProxies => {
  if (entries.length === 0) return () => false
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** IPv4 in its own form when a dual-stack socket shows it as `::ffff:…`; no zone. */
const canonical = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  return mapped ?? address.split('%', 1)[0]!
}

/**
 * The nearest address that is not one of our proxies: from the peer leftwards through `X-Forwarded-For`, stopping at
 * the first that is not trusted or is no address.
 */
export const clientAddress = (peer: string, forwardedFor: string | undefined, trusted: TrustedProxies): string => {
  let address = canonical(peer)
  if (forwardedFor === undefined || !trusted(address)) return address
  for (const entry of forwardedFor.split(',').reverse()) {
    const next = canonical(entry.trim())
    if (isIP(next) === 0) return address
    address = next
    if (!trusted(address)) return address
  }
  return address
}

/** What is counted as one client: an IPv4 address, or the /64 that one IPv6 subscriber has to itself (RFC 6177). */
export const limitKeyOf = (address: string): string => {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::', 2)
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  const network = [...front, ...zeros, ...back].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
