/**
 * Rows of the assignment that the embedded profile can't prove or proves of embedded parts alone, and the suites that
 * prove them on real engines: data, and the judge of what such a suite says. Pure; on-engines.ts runs them.
 */
import { withCommand } from './conclude.ts'
import type { Verdict } from './proof.ts'

export interface EngineSuite {
  /** A file of tests, or of the containers' runner, from the root of the checkout. */
  readonly file: string
  /** What it starts, as people call it. */
  readonly engines: readonly string[]
}

export interface EngineRow {
  readonly suites: readonly EngineSuite[]
  /** What no suite here proves; absent when they prove all that the row lacks. */
  readonly rest?: string
}

const transports: EngineSuite = {
  file: 'platform/kit/test/transport-engines.slow.test.ts',
  engines: ['RabbitMQ', 'Apache Kafka'],
}
const monitoring: EngineSuite = {
  file: 'system/test/monitoring.slow.test.ts',
  engines: ['Consul', 'Prometheus', 'Jaeger'],
}
const providers: EngineSuite = {
  file: 'lab/whole/identity-providers.slow.test.ts',
  engines: ['Keycloak'],
}
const elsewhere: EngineSuite = {
  file: 'system/test/tools-elsewhere.slow.test.ts',
  engines: ['OpenTelemetry Collector', 'VictoriaLogs'],
}
const containers: EngineSuite = { file: 'deploy/test/containers.ts', engines: ['Docker'] }

export const engineRows: Readonly<Record<string, EngineRow>> = {
  'R1.9': {
    suites: [
      transports,
      { file: 'platform/kit/test/rabbit-operator.slow.test.ts', engines: ['RabbitMQ'] },
      { file: 'lab/whole/whole-rabbitmq.slow.test.ts', engines: ['RabbitMQ'] },
      { file: 'lab/checker/mixed-rabbitmq.slow.test.ts', engines: ['RabbitMQ'] },
    ],
  },
  'R2.1': { suites: [providers] },
  'R2.7': { suites: [providers, { file: 'services/gateway/test/redis.test.ts', engines: ['Redis'] }] },
  'R3.1': { suites: [providers] },
  'R4.2': {
    suites: [
      { file: 'lab/whole/kafka-failover.slow.test.ts', engines: ['Apache Kafka'] },
      { file: 'lab/whole/mirror.slow.test.ts', engines: ['Apache Kafka', 'MirrorMaker 2'] },
      { file: 'system/test/alert-mail.slow.test.ts', engines: ['Prometheus', 'Alertmanager'] },
    ],
  },
  'R4.3': {
    suites: [
      { file: 'lab/whole/balanced.slow.test.ts', engines: ['nginx'] },
      { file: 'services/gateway/test/redis.test.ts', engines: ['Redis'] },
    ],
  },
  'R5.1': {
    suites: [monitoring, { file: 'lab/whole/promql-peer.slow.test.ts', engines: ['Prometheus'] }],
    rest: 'Grafana itself',
  },
  'R5.2': { suites: [monitoring, { file: 'lab/whole/trace-apis-peer.slow.test.ts', engines: ['Jaeger', 'Zipkin'] }] },
  'R5.3': { suites: [elsewhere], rest: 'Loki itself, and Elasticsearch with Logstash' },
  'R5.5': { suites: [elsewhere], rest: 'accounts at Datadog and New Relic' },
  'R6.7': { suites: [containers] },
  'R6.10': { suites: [containers] },
  'R7.1': { suites: [containers] },
  'R7.2': {
    suites: [
      { file: 'deploy/kubernetes/rendered.test.ts', engines: ['Helm', 'kubectl', 'kubeconform'] },
      { file: 'deploy/kubernetes/cluster.slow.test.ts', engines: ['kube-apiserver', 'etcd'] },
    ],
    rest: 'containers on a cluster',
  },
}

/** What a suite said. */
export interface SuiteOutcome extends EngineSuite {
  readonly passed: number
  readonly failed: number
  /** Why tests were left out, each reason once. */
  readonly skipped: readonly string[]
  /** Names of tests that failed, the innermost of each branch; absent where none did. */
  readonly failures?: readonly string[]
  /** It was ended before it was done, so what it says of failures is worth nothing. */
  readonly interrupted?: true
}

export interface EngineEvidence {
  /** RFC 3339, a day. */
  readonly at: string
  readonly suites: readonly SuiteOutcome[]
}

/**
 * Reads what a suite printed: the TAP of node:test, or the two lines of a runner that tries nothing.
 * @param status its exit status; a suite that ended badly without naming a failure has one
 */
export function outcomeOf(suite: EngineSuite, output: string, status: number | null): SuiteOutcome {
  const number = (pattern: RegExp) => Number(output.match(pattern)?.at(-1)?.match(/\d+/)?.[0] ?? 0)
  const passed = number(/^# pass \d+$/gm) || number(/^\d+ passed, \d+ failed/gm)
  const named = number(/^# fail \d+$/gm) || Number(/^\d+ passed, (\d+) failed/m.exec(output)?.[1] ?? 0)
  const reasons = [...output.matchAll(/ # SKIP (.+)$|^containers are not tried here: (.+)$/gm)]
  const failures = failuresIn(output)
  return {
    ...suite,
    passed,
    failed: status === 0 ? named : Math.max(1, named),
    skipped: [...new Set(reasons.map(([, skip, untried]) => (skip ?? untried ?? '').trim()))],
    ...(failures.length === 0 ? {} : { failures }),
  }
}

/** TAP says of a group that it failed after it has said so of its tests; our own report names each failed test, twice. */
function failuresIn(output: string): string[] {
  const reported = [...output.matchAll(/^✖ (?!\[)(.+)$/gm)].map(([, title = '']) => title)
  if (reported.length > 0) return [...new Set(reported)]
  const failed = [...output.matchAll(/^( *)not ok \d+ - (.+)$/gm)].map(([, indent = '', name = '']) => ({
    depth: indent.length,
    name,
  }))
  return failed.filter(({ depth }, at) => !((failed[at - 1]?.depth ?? 0) > depth)).map(({ name }) => name)
}

/** A suite that had to leave something out proves less than the row asks: that is never a PASS. */
export function judgeEngines(
  row: { readonly elsewhere?: string },
  { suites: wanted, rest }: EngineRow,
  outcomes: readonly SuiteOutcome[],
): [Verdict, readonly string[]] {
  const faults = outcomes
    .filter(({ failed, interrupted }) => failed > 0 && !interrupted)
    .map(
      ({ file, failed, passed, failures = [] }) =>
        `${file}: ${failed} failed, ${passed} passed${failures.map((name) => `; ${name}`).join('')}`,
    )
  if (faults.length > 0) return ['FAIL', faults]
  const unrun = wanted.filter(({ file }) => !outcomes.some((one) => one.file === file)).map(({ file }) => file)
  const left = [
    ...unrun.map((file) => `${file} was not run`),
    ...outcomes.flatMap(({ file, skipped, passed, interrupted }) =>
      interrupted
        ? [`${file} was interrupted`]
        : skipped.length > 0
          ? skipped.map((why) => `${file}: ${why}`)
          : passed === 0
            ? [`${file}: nothing was run`]
            : [],
    ),
  ]
  const missing = [...left, ...(rest === undefined ? [] : [`not proven by a suite: ${rest}`])]
  if (missing.length === 0) return ['PASS', []]
  return ['NOT RUN', missing.map((reason, at) => (at === missing.length - 1 ? withCommand(row, reason) : reason))]
}
