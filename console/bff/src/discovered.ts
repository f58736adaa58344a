/** What discovery says of a service, as pages are told it. Entries are those of Consul's `/v1/health/service/<name>`. Pure. */
import type { JudgedRegistration } from '@svyaz/kit/registrations'
import type { DiscoveredInstance, DiscoveryCheck } from '../../protocol.ts'

/** As Consul's API has it; nothing of it is taken for granted. */
export interface HealthEntry {
  readonly Node?: { readonly Node?: string; readonly Address?: string }
  readonly Service?: { readonly ID?: string; readonly Tags?: readonly string[] | null }
  readonly Checks?: readonly HealthCheck[]
}
interface HealthCheck {
  readonly CheckID?: string
  readonly Name?: string
  readonly Type?: string
  readonly Status?: string
  readonly Output?: string
  readonly ServiceID?: string
}

const outputCharsMax = 500

/** @returns undefined where it names no place */
export function instanceOf(entry: HealthEntry, judged: JudgedRegistration | undefined): DiscoveredInstance | undefined {
  if (judged === undefined) return undefined
  const { instance, verdict, signedAt } = judged
  return {
    id: instance.id,
    node: entry.Node?.Node ?? '',
    address: instance.host,
    ports: instance.ports,
    tags: entry.Service?.Tags ?? [],
    checks: (entry.Checks ?? []).filter(({ ServiceID }) => Boolean(ServiceID)).map(checkOf),
    signature: verdict,
    ...(signedAt === undefined ? {} : { signedAt: new Date(signedAt * 1_000).toISOString() }),
  }
}

/** A node with its own checks, which each entry of its instances repeats. */
export const nodeOf = (entry: HealthEntry) => ({
  node: entry.Node?.Node ?? '',
  address: entry.Node?.Address ?? '',
  checks: (entry.Checks ?? []).filter(({ ServiceID }) => !ServiceID).map(checkOf),
})

const statuses = ['passing', 'warning', 'critical', 'maintenance'] as const
/** What a service of ours says with each heartbeat: `heartbeat 2026-11-27T03:28:28.395Z`. */
const heartbeat = /^heartbeat (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/

function checkOf({ CheckID = '', Name = '', Type = '', Status, Output = '' }: HealthCheck): DiscoveryCheck {
  const beatAt = heartbeat.exec(Output)?.[1]
  return {
    id: CheckID,
    name: Name,
    type: Type,
    // What isn't known here is not taken for good.
    status: statuses.find((one) => one === Status) ?? 'critical',
    output: Output.slice(0, outputCharsMax),
    ...(beatAt === undefined ? {} : { beatAt }),
  }
}
