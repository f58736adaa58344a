/**
 * By what name a listener may be called. A page of another site can point its own name at this machine (DNS rebinding)
 * and then counts as same-origin: the name in `Host` is all that gives it away. Pure.
 */
import { isIP } from 'node:net'
import { isLoopback } from './addresses.ts'

export interface HostRule {
  /** Further names, without port. */
  readonly names: readonly string[]
}

/** Name without port, lower case; IPv6 keeps its brackets. */
export const hostName = (host: string): string => host.replace(/:\d+$/, '').toLowerCase()

/**
 * Whether a request came under a name that isn't ours. An address can't be rebound, and `localhost` is never asked of
 * a stranger's server (RFC 6761, 6.3). A request without Host is not from a browser.
 *
 * The rule holds where only this machine can call (the connection's own end is loopback), and wherever names were
 * configured: elsewhere nobody knows by what name a network calls its machines.
 */
export function isForeignHost(
  host: string | undefined,
  localAddress: string | undefined,
  { names }: HostRule,
): boolean {
  if (host === undefined || (names.length === 0 && !isLoopback(localAddress))) return false
  return !isOwnName(hostName(host), names)
}

/** For what must never answer to a stranger's name, wherever it listens. */
export function isOwnName(name: string, names: readonly string[]): boolean {
  if (name === 'localhost' || name.endsWith('.localhost') || isIP(name) === 4) return true
  if (name.startsWith('[') && name.endsWith(']')) return isIP(name.slice(1, -1)) === 6
  return names.some((known) => known.toLowerCase() === name)
}
