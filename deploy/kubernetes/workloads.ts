/**
 * A process in Kubernetes: its workload, Service, ServiceAccount, disruption budget and autoscaler. Pure.
 *
 * Services are StatefulSets although their state is in databases: an instance's name is its static membership in Kafka's
 * groups, its own broadcast group and its id at discovery, and has to outlive its Pod (decision 0062). What keeps data
 * without an engine is one too, with a volume. The console is a Deployment.
 */
import { databaseOf, portsInContainers, type TopologyProcess, wellKnown } from '@svyaz/system/topology'
import { configUrl, flagsOf, heapOptions, ownUid, portOf, variablesOf } from '../image/container.ts'
import { defaults, scaledByLoad } from './values.ts'
import { type Fields, type Node, text, when, whole } from './yaml.ts'

/** A service drains for up to 9 s; the edge sleeps before, until no balancer sends it anything new. */
const graceSeconds = 15
const edgeSleepSeconds = 5

/** Processes that browsers and clients come in by; the rest of the world is told of nothing else. */
export const edge: readonly string[] = ['gateway', 'console']

/**
 * A node's own disk, which a Pod shares with its neighbours: what it may write to `home` and `tmp`, and the lines of its log
 * that the kubelet keeps (50 MiB by default).
 */
export const ephemeral = { request: '64Mi', limit: '256Mi' }

const relayFile = '/etc/svyaz/relay.yaml'
const dataFolder = '/var/lib/svyaz'

/** Labels by which policies, Services and workloads find the Pods of a process. */
export const labelsOf = (name: string): Fields => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/part-of': 'svyaz',
})

/** `image:` of one of our own images. */
export const imageOf = (name: string): Node =>
  text(
    `printf "%s/${name}:%s" .Values.image.registry .Values.image.tag`,
    `${defaults.image.registry}/${name}:${defaults.image.tag}`,
  )

/** What every Pod of ours has, jobs too: no rights at all (Pod Security "restricted"), and the images' user. */
export const podBasics = (name: string): Fields => ({
  serviceAccountName: name,
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: ownUid,
    runAsGroup: ownUid,
    fsGroup: ownUid,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  },
  pull: when('.Values.image.pullSecret', false, {
    imagePullSecrets: [{ name: text('.Values.image.pullSecret', '') }],
  }),
})

/** As `podBasics`, for the container. */
export const containerBasics = (image: string): Fields => ({
  image: imageOf(image),
  imagePullPolicy: text('.Values.image.pullPolicy', defaults.image.pullPolicy),
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
})

/** A Secret made outside: `<prefix><reader>`. */
export const secretOf = (reader: string): Node =>
  text(`printf "%s${reader}" .Values.secretPrefix`, `${defaults.secretPrefix}${reader}`)

/** The documents of a process, in the order in which they are of use. */
export function documentsOf(process: TopologyProcess): Fields[] {
  const { name } = process
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(name), automountServiceAccountToken: false },
    serviceOf(process),
    workloadOf(process),
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: metadata(name),
      spec: { maxUnavailable: 1, selector: { matchLabels: labelsOf(name) } },
    },
  ]
}

/** The autoscaler of a process that has one (R4.3). */
export function autoscalerOf({ name }: TopologyProcess): Fields | undefined {
  const bounds = scaledByLoad[name]
  if (bounds === undefined) return undefined
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadata(name),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name },
      minReplicas: bounds.min,
      maxReplicas: bounds.max,
      metrics: [
        {
          type: 'Resource',
          resource: {
            name: 'cpu',
            target: {
              type: 'Utilization',
              averageUtilization: whole('.Values.autoscaling.cpuPercent', defaults.autoscaling.cpuPercent),
            },
          },
        },
      ],
      // A worker that goes hands its partitions over: not for a pause of some seconds.
      behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
    },
  }
}

/** Name and labels of an object that belongs to a process. */
export const metadata = (name: string): Fields => ({ name, labels: labelsOf(name) })

/** Without an address of its own (headless), but for the edge: services find each other at discovery. */
function serviceOf(process: TopologyProcess): Fields {
  const { name } = process
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(name),
    spec: {
      ...(edge.includes(name) ? {} : { clusterIP: 'None' }),
      selector: labelsOf(name),
      ports: portsInContainers(process).map((role) => ({ name: role, port: portOf(role), targetPort: role })),
    },
  }
}

const isStateful = ({ contract, kind }: TopologyProcess): boolean => contract === 'kit' || kind !== 'console'
const keepsData = ({ contract, kind }: TopologyProcess): boolean => contract === 'flags' && kind !== 'console'

function workloadOf(process: TopologyProcess): Fields {
  const { name } = process
  const replicas = { replicas: whole(`${valuesOf(name)}.replicas`, process.instances) }
  return {
    apiVersion: 'apps/v1',
    kind: isStateful(process) ? 'StatefulSet' : 'Deployment',
    metadata: metadata(name),
    spec: {
      ...(scaledByLoad[name] === undefined
        ? replicas
        : { unscaled: when('not .Values.autoscaling.enabled', false, replicas) }),
      ...(isStateful(process) ? { serviceName: name, podManagementPolicy: 'Parallel' } : {}),
      selector: { matchLabels: labelsOf(name) },
      template: {
        metadata: {
          labels: labelsOf(name),
          // New addresses or session settings start the Pods again.
          changed: when('true', false, {
            annotations: {
              'checksum/settings': text(
                'toJson (list .Values.messages .Values.engines .Values.logLevel .Values.relay) | sha256sum',
                '',
              ),
            },
          }),
        },
        spec: podSpec(process),
      },
      ...(keepsData(process)
        ? {
            volumeClaimTemplates: [
              {
                metadata: { name: 'data' },
                spec: {
                  accessModes: ['ReadWriteOnce'],
                  resources: { requests: { storage: text('.Values.storage.size', defaults.storage.size) } },
                },
              },
            ],
          }
        : {}),
    },
  }
}

function podSpec(process: TopologyProcess): Fields {
  const { name, contract } = process
  const sleep = edge.includes(name) ? edgeSleepSeconds : 0
  return {
    ...podBasics(name),
    terminationGracePeriodSeconds: graceSeconds + sleep,
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labelsOf(name) } },
          },
        ],
      },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: labelsOf(name) },
      },
    ],
    containers: [
      {
        name,
        ...containerBasics(name),
        ...(contract === 'flags' ? { args: [...flagsOf(process, name), ...edgeHost(process)] } : {}),
        env:
          contract === 'kit'
            ? kitVariables(process)
            : [{ name: 'NODE_OPTIONS', value: heapOptions(process) }, ...lookedInto(process)],
        ...(contract === 'kit' ? { envFrom: [{ configMapRef: { name: 'engines' } }] } : {}),
        ports: portsInContainers(process).map((role) => ({ name: role, containerPort: portOf(role) })),
        ...probesOf(process),
        ...(sleep > 0 ? { lifecycle: { preStop: { sleep: { seconds: sleep } } } } : {}),
        resources: resourcesOf(process),
        volumeMounts: mountsOf(process),
      },
    ],
    volumes: volumesOf(process),
  }
}

/** The console answers to names that it knows alone: the one by which browsers find it is the ingress's. */
const edgeHost = ({ name }: TopologyProcess): Node[] =>
  name === 'console'
    ? [
        '--allow-host',
        text('.Values.ingress.consoleHost', defaults.ingress.consoleHost),
        '--public-url',
        text('printf "https://%s" .Values.ingress.consoleHost', `https://${defaults.ingress.consoleHost}`),
      ]
    : []

/** The console looks into the engines' topics and registrations: at the addresses that the services have. On RabbitMQ it has no topics to look into. */
const lookedInto = ({ kind }: TopologyProcess): Fields[] =>
  kind === 'console'
    ? Object.entries({
        SVYAZ_CONSOLE_DISCOVERY: 'SVYAZ_DISCOVERY_URL',
        SVYAZ_CONSOLE_BROKERS: 'SVYAZ_KAFKA_BROKERS',
        SVYAZ_MESSAGES: 'SVYAZ_MESSAGES',
      }).map(([name, key]) => ({ name, valueFrom: { configMapKeyRef: { name: 'engines', key } } }))
    : []

function kitVariables(process: TopologyProcess): Fields[] {
  const fixed: Record<string, string> = {
    SVYAZ_SERVICE: process.name,
    SVYAZ_PROFILE: 'scale-out',
    SVYAZ_HOST: '0.0.0.0',
    SVYAZ_HTTP_PORT: String(portOf('http')),
    SVYAZ_GRPC_PORT: String(portOf('grpc')),
    SVYAZ_MANAGEMENT_PORT: String(portOf('management')),
    SVYAZ_KEY_FILE: '/run/svyaz/key.json',
    SVYAZ_JWKS_FILE: '/run/svyaz/jwks.json',
    ...(process.name === wellKnown.config.process ? {} : { SVYAZ_CONFIG_URL: configUrl }),
    ...(process.name === 'mc1' ? { SVYAZ_RELAY_CONFIG: relayFile } : {}),
    ...variablesOf(process),
    NODE_OPTIONS: heapOptions(process),
  }
  return [
    { name: 'SVYAZ_INSTANCE', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'SVYAZ_ADVERTISED_HOST', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ...Object.entries(fixed).map(([name, value]) => ({ name, value })),
    ...Object.entries(process.publicAddresses ?? {}).map(([name, { process: holder }]) => {
      const key = holder === 'console' ? 'consoleHost' : 'host'
      const url = text(`printf "https://%s" .Values.ingress.${key}`, `https://${defaults.ingress[key]}`)
      return { name, value: url }
    }),
  ]
}

/** Live never asks a dependency, so an outage restarts nobody; ready says whether it takes work. */
function probesOf({ ready }: TopologyProcess): Fields {
  if (ready.kind !== 'http') throw new Error('a container is probed over HTTP')
  const get = (path: string): Fields => ({ httpGet: { path, port: ready.port } })
  return {
    startupProbe: { ...get('/health/live'), periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 30 },
    readinessProbe: { ...get(ready.path), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
    livenessProbe: { ...get('/health/live'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  }
}

/** `.Values.processes.<name>`, for names with a dash too. */
const valuesOf = (name: string): string => `(index .Values.processes "${name}")`

function resourcesOf({ name }: TopologyProcess): Fields {
  const own = defaults.processes[name]
  if (own === undefined) throw new Error(`${name} has no default values`)
  const quantity = (what: 'cpu' | 'memory', bound: 'request' | 'limit') =>
    text(`${valuesOf(name)}.${what}.${bound}`, own[what][bound])
  return {
    requests: {
      cpu: quantity('cpu', 'request'),
      memory: quantity('memory', 'request'),
      'ephemeral-storage': ephemeral.request,
    },
    limits: {
      cpu: quantity('cpu', 'limit'),
      memory: quantity('memory', 'limit'),
      'ephemeral-storage': ephemeral.limit,
    },
  }
}

function mountsOf({ name, contract, kind }: TopologyProcess): Fields[] {
  return [
    { name: kind === 'console' || contract === 'kit' ? 'home' : 'data', mountPath: dataFolder },
    { name: 'tmp', mountPath: '/tmp' },
    ...(contract === 'kit' ? [{ name: 'secrets', mountPath: '/run/svyaz', readOnly: true }] : []),
    ...(name === 'mc1' ? [{ name: 'relay', mountPath: '/etc/svyaz', readOnly: true }] : []),
  ]
}

/** What a service keeps on disk are copies (addresses, settings): they may go with the Pod. */
function volumesOf(process: TopologyProcess): Fields[] {
  return [
    ...(keepsData(process) ? [] : [{ name: 'home', emptyDir: { sizeLimit: '64Mi' } }]),
    { name: 'tmp', emptyDir: { sizeLimit: '16Mi' } },
    ...(process.contract === 'kit'
      ? [{ name: 'secrets', secret: { secretName: secretOf(process.name), defaultMode: 288 } }]
      : []),
    ...(process.name === 'mc1' ? [{ name: 'relay', configMap: { name: 'relay' } }] : []),
  ]
}

/** Whether the process speaks SQL to PostgreSQL. */
export const hasDatabase = (process: TopologyProcess): boolean => databaseOf(process) !== undefined
