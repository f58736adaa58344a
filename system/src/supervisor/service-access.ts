/** How one who may read this installation's keys reaches a service's database: as that service, with its rights. */
import type { Topology } from '../../topology.ts'
import { ensureCredentials } from './credentials.ts'
import { placesIn } from './places.ts'

export interface ServiceAccess {
  readonly port: number
  password(service: string): string
  /** Connection string of a service's own role to its own database. */
  url(service: string): string
}

/**
 * How to reach each service's database of an installation.
 * @param port of its PostgreSQL
 */
export function serviceAccess(home: string, topology: Topology, port: number): ServiceAccess {
  const { password } = ensureCredentials(placesIn(home).keys, topology)
  return {
    port,
    password,
    url: (service) => `postgres://${service}:${encodeURIComponent(password(service))}@127.0.0.1:${port}/${service}`,
  }
}
