/** What a supervisor gives its processes: keys, passwords, and a certificate where one has TLS. */
import type { Topology } from '../../topology.ts'
import { type CertificateFiles, ensureCertificates } from '../certificates/local-authority.ts'
import { type Credentials, ensureCredentials } from './credentials.ts'

/** As `ensureCredentials`; apart from it because jobs that make keys for containers have no use for a local authority. */
export function certifiedCredentials(
  directory: string,
  topology: Topology,
): Credentials & { readonly certificate: CertificateFiles | undefined } {
  const certified = topology.processes.some(({ certificate }) => certificate)
  return {
    ...ensureCredentials(directory, topology),
    certificate: certified ? ensureCertificates(directory, Date.now()) : undefined,
  }
}
