/**
 * Who may call. A page of another site must not steer the registry through the user's browser, neither directly (Origin)
 * nor by a name that it points at this address (DNS rebinding: the Host header then carries the foreign name).
 */
import type { IncomingMessage } from 'node:http'
import { hostName, isForeignHost, isOwnName } from '@svyaz/listener'

/** @param configured names under which this server is called, beside addresses and localhost, without port */
export function allowedHosts(listenHost: string, configured: readonly string[]): ReadonlySet<string> {
  const own = listenHost.includes(':') ? `[${listenHost}]` : listenHost
  return new Set([own, ...configured].map((name) => name.toLowerCase()))
}

/**
 * The rule for probes and scrapers, which ask about the process alone: of this machine they come under its names, of a
 * network under any, unless names are configured (hosts.ts of the listener).
 * @returns why the request is refused, or null
 */
export function foreignProbe({ headers, socket }: IncomingMessage, configured: readonly string[]): string | null {
  return isForeignHost(headers.host, socket.localAddress, { names: configured }) ? notAllowed(headers.host) : null
}

const notAllowed = (host: string | undefined) =>
  `Host ${JSON.stringify(host ?? '')} is not allowed; start with --allowed-host to add a name`

/**
 * The rule for everything else.
 * @returns why the request is refused, or null
 */
export function foreignCaller(
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined },
  allowed: ReadonlySet<string>,
): string | null {
  const { host, origin } = headers
  if (host === undefined || !isOwnName(hostName(host), [...allowed])) return notAllowed(host)
  if (origin === undefined) return null
  if (!URL.canParse(origin)) return `Origin ${JSON.stringify(origin)} is not allowed`
  const url = new URL(origin)
  // The same host and port is our own page; another port on this machine is another site.
  if (url.host === host.toLowerCase()) return null
  return `Origin ${JSON.stringify(origin)} is not allowed`
}
