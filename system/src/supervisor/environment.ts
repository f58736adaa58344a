/** What a process is told when it starts: the kit's variables or flags, from the topology and this installation's ports. */
import type { TopologyProcess } from '../../topology.ts'
import { databaseOf, wellKnown } from '../../topology.ts'
import type { CertificateFiles } from '../certificates/local-authority.ts'
import type { InstancePorts } from './ports.ts'

/** All that is not in the topology. */
export interface Installation {
  readonly home: string
  readonly host: string
  /** Name under which instances announce themselves. */
  readonly advertisedHost: string
  /** Port of a process's first instance. */
  port(process: string, port: string): number
  has(process: string): boolean
  keyFile(service: string): string
  readonly jwksFile: string
  password(database: string): string
  readonly certificate: Pick<CertificateFiles, 'certificate' | 'key'> | undefined
  dataDirectory(process: string): string
  readonly places: Readonly<Record<'control-socket' | 'page-cache' | 'logs' | 'service-keys' | 'authority', string>>
  /** Variables for every process, such as SVYAZ_CRASH_POINTS; they win. */
  readonly extra: Readonly<Record<string, string>>
}

export interface Told {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Pure: the command line after the script, and the variables beyond the inherited ones. */
export function tell(process: TopologyProcess, instance: string, ports: InstancePorts, place: Installation): Told {
  return process.contract === 'kit'
    ? { argv: [], env: { ...kitVariables(process, instance, ports, place), ...place.extra } }
    : { argv: flags(process, ports, place), env: { ...process.variables, ...place.extra } }
}

function kitVariables(
  process: TopologyProcess,
  instance: string,
  ports: InstancePorts,
  place: Installation,
): Record<string, string> {
  const { host } = place
  const at = (name: keyof typeof wellKnown) => {
    const { process: holder, port } = wellKnown[name]
    return place.has(holder) ? `${authority(host)}:${place.port(holder, port)}` : undefined
  }
  const http = (address: string | undefined) => address && `http://${address}`
  const name = databaseOf(process)
  const database =
    name && at('postgres')
      ? `postgres://${name}:${encodeURIComponent(place.password(name))}@${at('postgres')}/${name}`
      : undefined
  return defined({
    SVYAZ_PROFILE: 'embedded',
    SVYAZ_SERVICE: process.name,
    SVYAZ_INSTANCE: instance,
    SVYAZ_HOME: place.home,
    SVYAZ_HOST: host,
    SVYAZ_ADVERTISED_HOST: place.advertisedHost,
    ...Object.fromEntries(
      Object.entries(ports).map(([role, port]) => [`SVYAZ_${role.toUpperCase()}_PORT`, String(port)]),
    ),
    SVYAZ_DISCOVERY_URL: http(at('discovery')),
    SVYAZ_CONFIG_URL: http(at('config')),
    SVYAZ_KAFKA_BROKERS: at('broker'),
    SVYAZ_DATABASE_URL: database,
    SVYAZ_OTLP_URL: http(at('telemetry')),
    SVYAZ_KEY_FILE: process.keys && place.keyFile(process.name),
    SVYAZ_JWKS_FILE: place.jwksFile,
    SVYAZ_CERTIFICATE_FILE: process.certificate && place.certificate?.certificate,
    SVYAZ_CERTIFICATE_KEY_FILE: process.certificate && place.certificate?.key,
    SVYAZ_CREATE_TOPICS: '1',
    SVYAZ_CRASH_POINTS: '',
    SVYAZ_STOP_ON_STDIN_END: '1',
    ...process.variables,
    ...addressesOf(process, place),
  })
}

function flags(process: TopologyProcess, ports: InstancePorts, place: Installation): string[] {
  const roles = Object.entries(process.ports).flatMap(([role, plan]) => [plan.flag ?? '--port', String(ports[role])])
  const places = Object.entries(process.places ?? {}).map(([flag, name]) => [flag, place.places[name]] as const)
  const scrapes = (process.scrapes ?? [])
    .filter((scraped) => place.has(scraped.process))
    .flatMap(({ process: scraped, port }) => [
      '--scrape',
      `${scraped}=http://${authority(place.host)}:${place.port(scraped, port)}/metrics`,
    ])
  const told = Object.entries(
    defined({ ...addressesOf(process, place), ...Object.fromEntries(places), ...process.flags }),
  ).flat()
  return [
    ...roles,
    '--host',
    place.host,
    '--data-dir',
    place.dataDirectory(process.name),
    ...told,
    ...Object.entries(process.files ?? {}).flat(),
    ...scrapes,
    '--stop-on-stdin-end',
  ]
}

/** By variable or flag; undefined where the other process doesn't run here. */
const addressesOf = (process: TopologyProcess, place: Installation): Record<string, string | undefined> =>
  Object.fromEntries(
    [
      ...Object.entries(process.addresses ?? {}),
      ...Object.entries(process.publicAddresses ?? {}).map(
        ([name, address]) => [name, { scheme: 'http', ...address }] as const,
      ),
    ].map(([name, { scheme, process: holder, port }]) => [
      name,
      place.has(holder) ? `${scheme}://${authority(place.host)}:${place.port(holder, port)}` : undefined,
    ]),
  )

/** An IPv6 address goes into brackets in a URL (RFC 3986, 3.2.2). */
const authority = (host: string): string => (host.includes(':') ? `[${host}]` : host)

const defined = (values: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined))
