/** Which gateways a balancer sends to: pure. */

/** What the supervisor says of an instance, as far as it matters here. */
export interface SeenInstance {
  readonly service: string
  readonly status: string
  readonly ports: Readonly<Record<string, number>>
}

/**
 * `host:port` of each that is meant to run, in the supervisor's order. One that is restarted keeps its port and stays: nginx
 * leaves it out by itself while it refuses connections, and a file that changes less often closes fewer idle connections.
 */
export const gatewaysOf = (instances: readonly SeenInstance[], host: string): string[] =>
  instances
    .filter(({ service, status }) => service === 'gateway' && status !== 'stopped')
    .flatMap(({ ports }) =>
      ports.http === undefined ? [] : [`${host.includes(':') ? `[${host}]` : host}:${ports.http}`],
    )
