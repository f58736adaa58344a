/**
 * The running topology: every process of the embedded profile, its ports, and what it needs. Data only: the
 * supervisor, the whole-system tests and the console's map read this one list, so none of them can drift from
 * what runs.
 */

export type ProcessKind = 'engine' | 'platform' | 'service' | 'outside' | 'console'

/** How a process is told what it is: kit processes by environment, the others by flags; PostgreSQL has its own starter. */
export type ProcessContract = 'kit' | 'flags' | 'postgres'

/** A port by its role. `fixed` is the base port of the first instance (shifted by --port-offset); the rest take free ones. */
export interface PortPlan {
  readonly fixed?: number
  /** Flag that carries it, for processes with contract `flags`; default `--port`. */
  readonly flag?: string
  /** Not in containers: there TLS ends at the edge, with the certificate of a real name. */
  readonly embeddedOnly?: true
}

/** How the supervisor finds out that an instance can do its work. `port` names one of the process's ports. */
export type Probe =
  | { readonly kind: 'http'; readonly port: string; readonly path: string }
  | { readonly kind: 'tcp'; readonly port: string }
  /** Its starter returns when it is ready. */
  | { readonly kind: 'started' }

export interface TopologyProcess {
  readonly name: string
  readonly kind: ProcessKind
  readonly contract: ProcessContract
  /** Module to run, relative to the folder of the topology's root; none for PostgreSQL. */
  readonly entry?: string
  readonly instances: number
  readonly scalable: boolean
  readonly ports: Readonly<Record<string, PortPlan>>
  /** Processes it talks to. All start at once; each waits for its needs itself. */
  readonly needs: readonly string[]
  /** Has a database and a role, both of this name; true: of its own. */
  readonly database?: true | string
  /** Has an Ed25519 key of its own name to sign with. */
  readonly keys?: true
  /** Has a certificate of this installation's authority: the variables SVYAZ_CERTIFICATE_FILE and …_KEY_FILE. */
  readonly certificate?: true
  /**
   * Variables beyond the kit's contract, or flags where the contract is `flags`: the address of another process, as
   * scheme and port name.
   */
  readonly addresses?: Readonly<
    Record<string, { readonly scheme: string; readonly process: string; readonly port: string }>
  >
  /**
   * Variables with the address at which people's browsers reach another process. Nothing is called there: where people
   * come through a proxy or an ingress, it is that one's.
   */
  readonly publicAddresses?: Readonly<Record<string, { readonly process: string; readonly port: string }>>
  /**
   * Flags that carry a place of this installation: the supervisor's control socket, the folders of what can be rebuilt
   * and of logs, the file of all services' public keys, the certificate of the
   * local authority.
   */
  readonly places?: Readonly<Record<string, 'control-socket' | 'page-cache' | 'logs' | 'service-keys' | 'authority'>>
  /** Flags that carry a file of the checkout, relative to its root. */
  readonly files?: Readonly<Record<string, string>>
  /** Ports whose `/metrics` it is told to look at, as `--scrape <process>=<url>`: those that no discovery knows. */
  readonly scrapes?: readonly { readonly process: string; readonly port: string }[]
  /** Fixed flags of this process alone. */
  readonly flags?: Readonly<Record<string, string>>
  /** Fixed variables of this process alone. */
  readonly variables?: Readonly<Record<string, string>>
  readonly ready: Probe
  /** Stages stop one after the other, lowest first; `stopTimeoutMs` later comes SIGKILL. The sum of stages stays below 10 s. */
  readonly stopStage: number
  /** Started when all others are ready, and nobody waits for it: what the system can do without for its first seconds. */
  readonly late?: true
  readonly stopTimeoutMs: number
  readonly heap: HeapLimits
  /** Memory that the process may hold when idle (PSS), for `svyaz budget`. */
  readonly memoryBudgetMb: number
}

/** V8's limits: a small young generation keeps garbage from piling up in processes that are mostly idle. */
export interface HeapLimits {
  readonly oldSpaceMb: number
  readonly semiSpaceMb: number
}

export interface Topology {
  readonly processes: readonly TopologyProcess[]
}

const serviceHeap: HeapLimits = { oldSpaceMb: 256, semiSpaceMb: 4 }
/** What comes in is written and forgotten: a larger heap would only be collected later. */
const telemetryHeap: HeapLimits = { oldSpaceMb: 96, semiSpaceMb: 4 }
const brokerHeap: HeapLimits = { oldSpaceMb: 512, semiSpaceMb: 8 }

const service = (name: string, rest: Partial<TopologyProcess> & Pick<TopologyProcess, 'needs'>): TopologyProcess => ({
  name,
  kind: 'service',
  contract: 'kit',
  entry: `services/${name}/src/main.ts`,
  instances: 1,
  scalable: true,
  ports: { http: {}, grpc: {}, management: {} },
  keys: true,
  ready: { kind: 'http', port: 'management', path: '/health/ready' },
  stopStage: 1,
  stopTimeoutMs: 4_000,
  heap: serviceHeap,
  memoryBudgetMb: 60,
  ...rest,
})

const relay = (name: string, rest: Partial<TopologyProcess> & Pick<TopologyProcess, 'needs'>): TopologyProcess =>
  service(name, { entry: `services/relay/${name}/main.ts`, scalable: false, ...rest })

const carried = ['broker', 'discovery', 'telemetry', 'config']

export const topology: Topology = {
  processes: [
    {
      name: 'postgres',
      kind: 'engine',
      contract: 'postgres',
      instances: 1,
      scalable: false,
      ports: { sql: { fixed: 54329 } },
      needs: [],
      ready: { kind: 'started' },
      stopStage: 3,
      stopTimeoutMs: 2_500,
      heap: serviceHeap,
      memoryBudgetMb: 120,
    },
    {
      name: 'broker',
      kind: 'platform',
      contract: 'flags',
      entry: 'platform/broker/src/main.ts',
      instances: 1,
      scalable: false,
      ports: { kafka: { fixed: 9092 }, management: { flag: '--management-port' } },
      needs: [],
      ready: { kind: 'http', port: 'management', path: '/health/ready' },
      stopStage: 2,
      stopTimeoutMs: 2_000,
      heap: brokerHeap,
      memoryBudgetMb: 70,
    },
    {
      name: 'discovery',
      kind: 'platform',
      contract: 'flags',
      entry: 'platform/discovery/src/main.ts',
      instances: 1,
      scalable: false,
      ports: { http: { fixed: 8500 } },
      needs: [],
      ready: { kind: 'http', port: 'http', path: '/health/ready' },
      stopStage: 2,
      stopTimeoutMs: 2_000,
      heap: serviceHeap,
      memoryBudgetMb: 45,
    },
    {
      name: 'telemetry',
      kind: 'platform',
      contract: 'flags',
      entry: 'platform/telemetry/src/main.ts',
      instances: 1,
      scalable: false,
      ports: { otlp: { fixed: 4318 } },
      needs: [],
      addresses: { '--discovery': { scheme: 'http', process: 'discovery', port: 'http' } },
      places: { '--log-dir': 'logs' },
      files: { '--levels': 'deploy/prometheus/levels.json' },
      scrapes: [
        { process: 'broker', port: 'management' },
        { process: 'discovery', port: 'http' },
      ],
      ready: { kind: 'http', port: 'otlp', path: '/health/ready' },
      stopStage: 2,
      stopTimeoutMs: 2_000,
      heap: telemetryHeap,
      memoryBudgetMb: 80,
    },
    {
      name: 'payment-processor',
      kind: 'outside',
      contract: 'flags',
      entry: 'outside/payment-processor/src/main.ts',
      instances: 1,
      scalable: false,
      ports: { http: {} },
      needs: [],
      ready: { kind: 'http', port: 'http', path: '/health/ready' },
      stopStage: 2,
      stopTimeoutMs: 2_000,
      heap: serviceHeap,
      memoryBudgetMb: 40,
    },
    {
      name: 'mail-sink',
      kind: 'outside',
      contract: 'flags',
      entry: 'outside/mail-sink/src/main.ts',
      instances: 1,
      scalable: false,
      ports: { http: {}, smtp: { flag: '--smtp-port' } },
      needs: [],
      ready: { kind: 'http', port: 'http', path: '/health/ready' },
      stopStage: 2,
      stopTimeoutMs: 2_000,
      heap: serviceHeap,
      memoryBudgetMb: 40,
    },
    service('config', {
      needs: ['postgres', 'broker', 'discovery', 'telemetry'],
      database: true,
      scalable: false,
      ports: { http: { fixed: 8888 }, management: {} },
    }),
    service('users', {
      needs: ['postgres', 'orders', ...carried],
      database: true,
      // admin@svyaz.local: this topology is the embedded profile, and the service refuses it beyond loopback.
      variables: { SVYAZ_SEED_ADMIN: '1' },
      publicAddresses: {
        SVYAZ_PUBLIC_URL: { process: 'gateway', port: 'http' },
        SVYAZ_CONSOLE_URL: { process: 'console', port: 'http' },
      },
    }),
    service('orders', { needs: ['postgres', 'users', 'inventory', 'payments', ...carried], database: true }),
    service('inventory', { needs: ['postgres', ...carried], database: true }),
    service('payments', {
      needs: ['postgres', 'payment-processor', ...carried],
      instances: 2,
      database: true,
      addresses: { SVYAZ_PROCESSOR_URL: { scheme: 'http', process: 'payment-processor', port: 'http' } },
    }),
    service('delivery', { needs: ['postgres', 'orders', ...carried], database: true }),
    service('notifications', {
      needs: ['postgres', 'users', 'mail-sink', ...carried],
      database: true,
      ports: { http: {}, management: {} },
      addresses: { SVYAZ_SMTP_URL: { scheme: 'smtp', process: 'mail-sink', port: 'smtp' } },
    }),
    service('gateway', {
      needs: ['users', 'orders', 'inventory', 'payments', 'delivery', 'notifications', ...carried],
      ports: { http: { fixed: 8080 }, https: { fixed: 8443, embeddedOnly: true }, management: {} },
      certificate: true,
      // Connections of users, and what is kept for answers.
      memoryBudgetMb: 70,
      stopStage: 0,
      stopTimeoutMs: 1_200,
    }),
    service('graphql', {
      needs: ['users', 'orders', 'inventory', 'payments', 'delivery', ...carried],
      ports: { http: {}, management: {} },
      late: true,
    }),
    relay('mc1', {
      needs: ['postgres', 'mc2', ...carried],
      database: 'relay',
      ports: { http: { fixed: 8101 }, management: {} },
    }),
    relay('mc2', { needs: carried, ports: { http: { fixed: 8102 }, management: {} } }),
    // It serves nobody: what it is asked is how it is.
    relay('mc3', { needs: ['mc1', ...carried], ports: { management: { fixed: 8103 } } }),
    {
      name: 'console',
      kind: 'console',
      // The same administrator: whoever opens the console on this machine may look at any order.
      variables: { SVYAZ_CONSOLE_READER_EMAIL: 'admin@svyaz.local', SVYAZ_CONSOLE_READER_PASSWORD: 'admin-svyaz' },
      contract: 'flags',
      entry: 'console/bff/src/main.ts',
      instances: 1,
      scalable: false,
      ports: { http: { fixed: 8090 } },
      needs: ['gateway', 'telemetry', 'broker'],
      addresses: {
        '--gateway': { scheme: 'http', process: 'gateway', port: 'http' },
        '--telemetry': { scheme: 'http', process: 'telemetry', port: 'otlp' },
        '--relay': { scheme: 'http', process: 'mc1', port: 'http' },
        '--broker': { scheme: 'kafka', process: 'broker', port: 'kafka' },
        '--discovery': { scheme: 'http', process: 'discovery', port: 'http' },
        '--mails': { scheme: 'http', process: 'mail-sink', port: 'http' },
      },
      publicAddresses: { '--public-url': { process: 'console', port: 'http' } },
      places: {
        '--control-socket': 'control-socket',
        '--page-cache': 'page-cache',
        '--service-keys': 'service-keys',
        '--authority': 'authority',
      },
      // Only here, where a supervisor restarts what is killed: containers have neither the programs nor the flags.
      files: { '--fault-lab': 'lab/checker/experiment/main.ts', '--assignment': 'cli/src/main.ts' },
      ready: { kind: 'http', port: 'http', path: '/health/ready' },
      stopStage: 0,
      stopTimeoutMs: 1_200,
      heap: serviceHeap,
      memoryBudgetMb: 60,
    },
  ],
}

/** Memory when idle (design: speed): what is left after a process that rests has collected itself (docs/start-up.md). */
export const memoryBudgetsMb = { whole: 900, supervisor: 80 } as const

/** What one session of the relay loop needs. The config service isn't among it: the loop has a file of its own. */
export const relayLoop = ['postgres', 'broker', 'discovery', 'telemetry', 'mc1', 'mc2', 'mc3']

/** The name of a process's database and of its role, if it has one. */
export const databaseOf = ({ name, database }: TopologyProcess): string | undefined =>
  database === true ? name : database

/** The roles of a process's ports where it runs in a container. */
export const portsInContainers = ({ ports }: TopologyProcess): string[] =>
  Object.entries(ports).flatMap(([role, { embeddedOnly }]) => (embeddedOnly ? [] : [role]))

/** Base ports that every kit process is told about, by the process that listens there. */
export const wellKnown = {
  discovery: { process: 'discovery', port: 'http' },
  config: { process: 'config', port: 'http' },
  broker: { process: 'broker', port: 'kafka' },
  postgres: { process: 'postgres', port: 'sql' },
  telemetry: { process: 'telemetry', port: 'otlp' },
  gateway: { process: 'gateway', port: 'http' },
} as const
