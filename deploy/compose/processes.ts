/**
 * The part of compose.yaml that repeats the topology: a service for each instance of our own processes, and the volumes
 * of their secrets. Pure: topology in, lines out; `tools/compose.ts` puts them into the file.
 */
import { relayLoop, type TopologyProcess, wellKnown } from '@svyaz/system/topology'
import { configUrl, flagsOf, heapOptions, memoryLimitMb, portOf, variablesOf } from '../image/container.ts'
import { containerized } from '../image/entries.ts'
import { readers } from '../jobs/readers.ts'

/** What is reached from the machine, on its loopback address alone. */
const published: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  gateway: { http: 8080 },
  console: { http: 8090 },
  mc1: { http: 8101 },
  'mail-sink': { http: 8025 },
}

/** Instances beyond the topology's, in the profile that has a balancer in front of them. */
const more: Readonly<Record<string, { readonly profile: string; readonly instances: number }>> = {
  gateway: { profile: 'full', instances: 1 },
}

/** The relay loop runs by itself, with a file of its own and Jaeger for its spans. */
const inRelay = ({ name, contract }: TopologyProcess): boolean => contract === 'kit' && relayLoop.includes(name)

const profilesOf = (process: TopologyProcess): readonly string[] => [inRelay(process) ? 'relay' : 'core', 'full']
const consulNodes = 3

interface Instance {
  /** Service in compose.yaml and host name: `payments`, `payments-2`. */
  readonly host: string
  /** As the embedded profile names it: `payments-1`. */
  readonly id: string
  readonly profiles: readonly string[]
}

function instancesOf(process: TopologyProcess): Instance[] {
  const extra = more[process.name]
  const count = process.instances + (extra?.instances ?? 0)
  return Array.from({ length: count }, (_, index) => ({
    host: index === 0 ? process.name : `${process.name}-${index + 1}`,
    id: `${process.name}-${index + 1}`,
    profiles: extra !== undefined && index >= process.instances ? [extra.profile] : profilesOf(process),
  }))
}

/** `host:port` of every gateway, as a balancer in another container reaches it. */
export const gatewaysInContainers = (): string[] =>
  containerized
    .filter(({ name }) => name === 'gateway')
    .flatMap((process) => instancesOf(process).map(({ host }) => `${host}:${portOf('http')}`))

/** `services:` of our own processes, indented as they are in the file. */
export function processServices(): string {
  let turn = 0
  return containerized
    .flatMap((process) => instancesOf(process).map((instance) => serviceLines(process, instance, turn++)))
    .map((lines) => lines.map((line) => `  ${line}`.trimEnd()).join('\n'))
    .join('\n\n')
}

/** `volumes:` that the job `secrets` hands out, and those of processes that keep data without an engine. */
export function processVolumes(): string {
  const names = [
    'secrets-issued',
    ...readers.map(({ name }) => `secrets-${name}`),
    ...containerized.filter((process) => process.contract === 'flags').map(({ name }) => name),
  ]
  return names.map((name) => `  ${name}:`).join('\n')
}

/** `volumes:` of the job `secrets`. */
export const secretsMounts = (): string =>
  ['issued', ...readers.map(({ name }) => name)].map((name) => `      - secrets-${name}:/secrets/${name}`).join('\n')

function serviceLines(process: TopologyProcess, instance: Instance, turn: number): string[] {
  const { host } = instance
  const publishedPorts = host === process.name ? Object.entries(published[process.name] ?? {}) : []
  return [
    `${host}:`,
    `  <<: *${process.contract === 'kit' ? 'service' : 'process'}`,
    `  image: svyaz/${process.name}:\${SVYAZ_VERSION:-0.1.0}`,
    `  build: { <<: *build, args: { <<: *bases, PROCESS: ${process.name} } }`,
    `  profiles: [${instance.profiles.join(', ')}]`,
    `  hostname: ${host}`,
    ...(process.contract === 'kit' ? kitLines(process, instance, turn) : flagLines(process, host)),
    ...(process.ready.kind === 'started'
      ? []
      : [`  healthcheck: { <<: *health, test: [CMD, svyaz-health, "${portOf(process.ready.port)}"] }`]),
    ...(publishedPorts.length === 0
      ? []
      : [
          `  ports: [${publishedPorts.map(([role, port]) => `"127.0.0.1:\${${variable(host, role)}:-${port}}:${portOf(role)}"`).join(', ')}]`,
        ]),
    `  deploy: { resources: { limits: { cpus: "1.0", memory: ${memoryLimitMb(process)}M, pids: 128 } } }`,
  ]
}

function kitLines(process: TopologyProcess, { host, id }: Instance, turn: number): string[] {
  return [
    ...(process.name === 'orders' ? [`  entrypoint: ${ordersEntrypoint}`] : []),
    '  environment:',
    '    <<: *kit',
    `    SVYAZ_SERVICE: ${process.name}`,
    `    SVYAZ_INSTANCE: ${id}`,
    `    SVYAZ_ADVERTISED_HOST: ${host}`,
    `    SVYAZ_DISCOVERY_URL: http://consul-${(turn % consulNodes) + 1}:8500`,
    ...(process.name === wellKnown.config.process || inRelay(process) ? [] : [`    SVYAZ_CONFIG_URL: ${configUrl}`]),
    ...(inRelay(process) ? [`    SVYAZ_OTLP_URL: \${SVYAZ_OTLP_URL:-http://jaeger:4318}`] : []),
    ...(process.name === 'mc1' ? [`    SVYAZ_RELAY_CONFIG: ${relayFile}`] : []),
    ...(process.name === 'gateway' ? [`    SVYAZ_REDIS_URL: \${SVYAZ_REDIS_URL:-}`] : []),
    ...Object.entries(variablesOf(process)).map(([name, value]) => `    ${name}: ${value}`),
    ...publicAddressesOf(process),
    `    NODE_OPTIONS: ${heapOptions(process)}`,
    `  volumes: ["secrets-${process.name}:/run/svyaz:ro", "home:/var/lib/svyaz"${process.name === 'mc1' ? `, "./config/relay.yaml:${relayFile}:ro"` : ''}]`,
    '  depends_on:',
    '    <<: *engines',
    ...(process.name === 'orders' ? ['    mongo-roles: { condition: service_completed_successfully }'] : []),
    ...waitedFor(process).map((name) => `    ${name}: { condition: service_healthy }`),
  ]
}

/** By default, where this file publishes them: on this machine's loopback. */
const publicAddressesOf = ({ publicAddresses = {} }: TopologyProcess): string[] =>
  Object.entries(publicAddresses).map(([name, address]) => `    ${name}: ${publicUrl(name, address)}`)

const publicFlagsOf = ({ publicAddresses = {} }: TopologyProcess): string[] =>
  Object.entries(publicAddresses).flatMap(([flag, address]) => [
    flag,
    publicUrl(`SVYAZ_${address.process.toUpperCase()}_URL`, address),
  ])

const publicUrl = (name: string, { process, port }: { process: string; port: string }): string =>
  `\${${name}:-http://127.0.0.1:\${${variable(process, port)}:-${published[process]?.[port]}}}`

const relayFile = '/etc/svyaz/relay.yaml'

/** As in the Dockerfile, but that there is a file for each store. */
const ordersEntrypoint = `[node, "--env-file=/run/svyaz/environment.\${SVYAZ_ORDER_STORE:-mongodb}", /svyaz/main.mjs]`

function flagLines(process: TopologyProcess, host: string): string[] {
  return [
    `  command: [${[...flagsOf(process, host), ...publicFlagsOf(process)]
      .map((flag) => JSON.stringify(flag))
      .join(', ')}]`,
    `  environment: { ${[`NODE_OPTIONS: ${heapOptions(process)}`, ...lookedInto(process)].join(', ')} }`,
    `  volumes: ["${process.name}:/var/lib/svyaz"]`,
    ...(waitedFor(process).length === 0
      ? []
      : ['  depends_on:', ...waitedFor(process).map((name) => `    ${name}: { condition: service_healthy }`)]),
  ]
}

/** Where the engines are whose topics and registrations the console shows; on RabbitMQ it has no topics to look into. */
const lookedInto = ({ kind }: TopologyProcess): string[] =>
  kind === 'console'
    ? [
        'SVYAZ_CONSOLE_DISCOVERY: "http://consul-1:8500"',
        'SVYAZ_CONSOLE_BROKERS: *brokers',
        'SVYAZ_MESSAGES: *messages',
      ]
    : []

/**
 * Whom its start waits for, beside the engines: configuration comes first, and the gateway opens when there is somebody
 * behind it. The rest find one another when they need to, in circles too.
 */
function waitedFor(process: TopologyProcess): string[] {
  if (inRelay(process)) return ['jaeger']
  if (process.name === 'gateway' || process.kind === 'console')
    return process.needs.filter((name) => containerized.some((row) => row.name === name))
  return process.needs.filter(
    (name) => name === 'config' || containerized.find((row) => row.name === name)?.contract === 'flags',
  )
}

const variable = (host: string, role: string): string =>
  `SVYAZ_${host}${role === 'http' ? '' : `_${role}`}_PORT`.toUpperCase().replaceAll('-', '_')
