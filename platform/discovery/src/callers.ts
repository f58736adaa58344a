/**
 * Who may call. A page of another site must not steer the registry through the user's browser, neither directly (Origin)
 * nor by a name that it points at this address (DNS rebinding: the Host header then carries the foreign name).
 */

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/** Name without port, lower case; IPv6 keeps its brackets. */
export function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase()
}

/** @param configured further names under which this server is called, without port */
export function allowedHosts(listenHost: string, configured: readonly string[]): ReadonlySet<string> {
  const own = listenHost.includes(':') ? `[${listenHost}]` : listenHost
  return new Set([...loopbackNames, own, ...configured].map((name) => name.toLowerCase()))
}

/** @returns why the request is refused, or null */
export function foreignCaller(
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined },
  allowed: ReadonlySet<string>,
): string | null {
  const { host, origin } = headers
  if (host === undefined || !allowed.has(hostName(host))) {
    return `Host ${JSON.stringify(host ?? '')} is not allowed; start with --allowed-host to add a name`
  }
  if (origin === undefined) return null
  if (!URL.canParse(origin)) return `Origin ${JSON.stringify(origin)} is not allowed`
  const url = new URL(origin)
  // The same host and port is our own page; another port on this machine is another site.
  if (url.host === host.toLowerCase()) return null
  return `Origin ${JSON.stringify(origin)} is not allowed`
}
