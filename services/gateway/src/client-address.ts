/** Whose request it is, by address: forwarded addresses are believed only from configured proxies (R2.7). */
import { hash } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { limitKeyOf } from '@svyaz/kit'

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
export const canonical = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  return mapped ?? address.split('%', 1)[0]!
}

/**
 * The nearest address that is not one of our proxies: from the peer leftwards through `X-Forwarded-For`, stopping at
 * the first that is not trusted or is not an address.
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

/**
 * What a log calls the client at an address: one name for one client while this process lives, from which nobody comes
 * back to the address.
 */
export type ClientLabel = (address: string) => string

/** `secret` must not be guessable: there are few addresses to try. */
export const createClientLabel =
  (secret: string): ClientLabel =>
  (address) =>
    hash('sha256', `${secret}\n${limitKeyOf(address)}`, 'base64url').slice(0, 10)
