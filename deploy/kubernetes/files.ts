/**
 * Every file of the chart and of the Kustomize base that repeats the project's lists: topology in, texts out.
 * `npm run kubernetes` writes them. Pure.
 */
import { containerized } from '../image/entries.ts'
import { type Call, closed, policyOf, policyOfJob, portCalls } from './network.ts'
import { defaults, meanings, valuesSchema } from './values.ts'
import {
  autoscalerOf,
  containerBasics,
  documentsOf,
  edge,
  ephemeral,
  metadata,
  podBasics,
  secretOf,
} from './workloads.ts'
import { type Fields, text, when, writeYaml } from './yaml.ts'

/** Documents of one file, each with the condition under which Helm writes it. */
interface File {
  readonly name: string
  readonly documents: readonly { readonly condition?: string; readonly fields: Fields }[]
}

const note = '# Made by tools/kubernetes.ts (npm run kubernetes): change deploy/kubernetes/*.ts instead.\n'

/**
 * Path, relative to deploy/kubernetes → text.
 * @param calls between processes, as the code makes them
 */
export function kubernetesFiles(calls: readonly Call[]): Map<string, string> {
  const files = filesOf(portCalls(calls))
  return new Map([
    ['chart/values.yaml', valuesFile()],
    ['chart/values.schema.json', `${JSON.stringify(valuesSchema(), undefined, 2)}\n`],
    ...files.map(({ name, documents }): [string, string] => [
      `chart/templates/${name}.yaml`,
      note +
        documents
          .map(({ condition, fields }) => {
            const document = `---\n${writeYaml(fields, 'helm')}`
            return condition === undefined ? document : `{{- if ${condition} }}\n${document}{{- end }}\n`
          })
          .join(''),
    ]),
    // What Helm leaves out by default, Kustomize has no file of.
    ...files.flatMap(({ name, documents }): [string, string][] => {
      const plain = documents.filter(({ condition }) => condition !== '.Values.ingress.enabled')
      if (plain.length === 0) return []
      return [[`base/${name}.yaml`, note + plain.map(({ fields }) => `---\n${writeYaml(fields, 'plain')}`).join('')]]
    }),
    ['base/kustomization.yaml', kustomization(files)],
  ])
}

function filesOf(calls: ReturnType<typeof portCalls>): File[] {
  return [
    { name: 'settings', documents: [{ fields: engines }, { fields: relay }] },
    ...(['databases', 'topics'] as const).map((name) => ({ name: `job-${name}`, documents: jobDocuments(name) })),
    ...containerized.map((process): File => {
      const autoscaler = autoscalerOf(process)
      return {
        name: process.name,
        documents: [
          ...documentsOf(process).map((fields) => ({ fields })),
          ...(autoscaler === undefined ? [] : [{ condition: '.Values.autoscaling.enabled', fields: autoscaler }]),
          { condition: '.Values.networkPolicies.enabled', fields: policyOf(process, calls) },
        ],
      }
    }),
    { name: 'closed', documents: [{ condition: '.Values.networkPolicies.enabled', fields: closed }] },
    {
      name: 'ingress',
      documents: edge.map((name) => ({ condition: '.Values.ingress.enabled', fields: ingressOf(name) })),
    },
  ]
}

const engines: Fields = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadata('engines'),
  data: {
    SVYAZ_MESSAGES: text('.Values.messages', defaults.messages),
    SVYAZ_KAFKA_BROKERS: text('.Values.engines.kafka', defaults.engines.kafka),
    SVYAZ_DISCOVERY_URL: text('.Values.engines.consul', defaults.engines.consul),
    SVYAZ_OTLP_URL: text('.Values.engines.otlp', defaults.engines.otlp),
    SVYAZ_LOG_LEVEL: text('.Values.logLevel', defaults.logLevel),
  },
}

const relay: Fields = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadata('relay'),
  data: {
    'relay.yaml': text(
      'toYaml .Values.relay',
      Object.entries(defaults.relay)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n'),
    ),
  },
}

type JobName = 'databases' | 'topics'

/**
 * What has to be there before the services are. Helm runs it as a hook before each install and upgrade; each makes only
 * what is missing. Hooks come before the chart's own objects, so the account and the policy are hooks too.
 */
function jobDocuments(name: JobName): File['documents'] {
  const account: Fields = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { ...metadata(name), ...hookOf('-10') },
    automountServiceAccountToken: false,
  }
  const policy = policyOfJob(name, name === 'databases' ? 'postgres' : 'kafka')
  return [
    { condition: '.Values.jobs.enabled', fields: account },
    {
      condition: 'and .Values.jobs.enabled .Values.networkPolicies.enabled',
      fields: { ...policy, metadata: { ...metadata(name), ...hookOf('-10') } },
    },
    { condition: '.Values.jobs.enabled', fields: jobOf(name) },
  ]
}

/** Hooks of a lower weight come first. */
const hookOf = (weight: string): Fields => ({
  hook: when('true', false, {
    annotations: {
      'helm.sh/hook': 'pre-install,pre-upgrade',
      'helm.sh/hook-weight': weight,
      'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
    },
  }),
})

function jobOf(name: JobName): Fields {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata(name), ...hookOf('0') },
    spec: {
      backoffLimit: 5,
      activeDeadlineSeconds: 600,
      // Applied again, it must be able to run again.
      ttlSecondsAfterFinished: 60,
      template: {
        metadata: { labels: metadata(name).labels as Fields },
        spec: {
          ...podBasics(name),
          restartPolicy: 'OnFailure',
          containers: [jobContainer(name)],
          volumes: [
            { name: 'tmp', emptyDir: { sizeLimit: '16Mi' } },
            {
              name: 'secrets',
              secret: {
                secretName: secretOf(name),
                defaultMode: 288,
                // RabbitMQ's address: there is none where Kafka carries the events.
                ...(name === 'topics' ? { optional: true } : {}),
              },
            },
          ],
        },
      },
    },
  }
}

const jobContainer = (name: JobName): Fields => ({
  name,
  ...containerBasics('jobs'),
  args: [name],
  env:
    name === 'databases'
      ? [{ name: 'SVYAZ_POSTGRES', value: text('.Values.engines.postgres', defaults.engines.postgres) }]
      : [
          { name: 'SVYAZ_MESSAGES', value: text('.Values.messages', defaults.messages) },
          { name: 'SVYAZ_KAFKA_BROKERS', value: text('.Values.engines.kafka', defaults.engines.kafka) },
        ],
  resources: {
    requests: { cpu: '50m', memory: '64Mi', 'ephemeral-storage': ephemeral.request },
    limits: { cpu: '1', memory: '192Mi', 'ephemeral-storage': ephemeral.limit },
  },
  volumeMounts: [
    { name: 'tmp', mountPath: '/tmp' },
    { name: 'secrets', mountPath: `/secrets/${name}`, readOnly: true },
  ],
})

function ingressOf(name: string): Fields {
  const host = name === 'gateway' ? 'host' : 'consoleHost'
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: metadata(name),
    spec: {
      ingressClassName: text('.Values.ingress.className', defaults.ingress.className),
      rules: [
        {
          host: text(`.Values.ingress.${host}`, defaults.ingress[host]),
          http: {
            paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name, port: { name: 'http' } } } }],
          },
        },
      ],
    },
  }
}

function valuesFile(): string {
  const parts = Object.entries(defaults).map(
    ([name, value]) => `# ${meanings[name]}\n${writeYaml({ [name]: value as unknown as Fields }, 'plain')}`,
  )
  return `${note}\n${parts.join('\n')}`
}

const kustomization = (files: readonly File[]): string =>
  note +
  writeYaml(
    {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: files.filter(({ name }) => name !== 'ingress').map(({ name }) => `${name}.yaml`),
    },
    'plain',
  )
