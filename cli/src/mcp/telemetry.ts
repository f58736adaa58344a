/** Tools that ask the telemetry: traces, logs, metrics, rates, service levels. */
import { logLevel, spanKind, type TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import { z } from 'zod'
import { askTelemetry } from '../telemetry.ts'
import { tool } from './tool.ts'

const from = z.string().max(40).optional().describe('RFC 3339, or milliseconds since 1970')
const to = from
const service = z.string().max(100).optional()
const traceId = z.string().regex(/^[0-9a-fA-F]{32}$/, 'a trace id has 32 hex digits')
const limit = (most: number, usual: number) =>
  z.int().min(1).max(most).default(usual).describe(`how many at most (${usual} when left out)`)

type Span = TelemetryReply<'trace'>['spans'][number]

const traceTools = [
  tool({
    name: 'search_traces',
    title: 'Find traces',
    description:
      'The newest traces that match: of an order or event, slow ones, failed ones, those of a service or operation. All that is given must hold for one span. `complete: false` means that the search ended at its bound: go on with `to` = searchedBackToMs. Then `trace` with an id.',
    input: z.strictObject({
      service,
      operation: z.string().max(500).optional().describe('the name of a span, e.g. `POST /orders`'),
      kind: spanKind.optional(),
      order: z.string().min(3).max(100).optional().describe('the id of an order, anywhere in the trace'),
      event: z.string().max(200).optional().describe('the id of an event'),
      error: z.boolean().optional().describe('true: with a span that failed'),
      min_ms: z.number().min(0).optional(),
      max_ms: z.number().min(0).optional(),
      tag: z.array(z.string().max(1_000)).max(10).optional().describe('attributes, each as key=value'),
      from,
      to,
      limit: limit(100, 20),
    }),
    run: async ({ min_ms: minDurationMs, max_ms: maxDurationMs, ...asked }, { config }) => {
      const found = await askTelemetry(config.home, 'traces', { ...asked, minDurationMs, maxDurationMs })
      return {
        ...found,
        traces: found.traces.map(({ startTimeUnixNano, ...trace }) => ({
          startedAt: timeOf(startTimeUnixNano),
          ...trace,
        })),
      }
    },
  }),
  tool({
    name: 'trace',
    title: 'One trace',
    description:
      'The spans of a trace, earliest first, with duration, parent and status: which hop was slow, which failed, with what error. `joined` adds the traces that its links lead to, as a consumer that worked later. Attributes only on demand, they are long.',
    hint: '`search_traces` finds those that are kept.',
    input: z.strictObject({
      trace_id: traceId,
      joined: z.boolean().default(false).describe('with all that it is linked to'),
      attributes: z.boolean().default(false).describe('with the attributes and events of each span'),
    }),
    run: async ({ trace_id: id, joined, attributes }, { config }) => {
      const answer = await askTelemetry(config.home, joined ? 'joined' : 'trace', {}, id.toLowerCase())
      const spans = answer.spans.map((span) => spanView(span, attributes))
      return {
        traceId: answer.traceId,
        spanCount: spans.length,
        truncated: 'truncated' in answer && answer.truncated,
        spans,
      }
    },
  }),
]

const timeOf = (nanos: string): string => new Date(Number(BigInt(nanos) / 1_000_000n)).toISOString()

const spanView = (span: Span, all: boolean) => ({
  service: span.service,
  instance: span.instance,
  name: span.name,
  kind: span.kind,
  startedAt: timeOf(span.startTimeUnixNano),
  durationMs: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId,
  error: span.status.code === 'error' ? (span.status.message ?? true) : undefined,
  ...(all ? { attributes: span.attributes, events: span.events, links: span.links } : {}),
})

const logTools = [
  tool({
    name: 'logs',
    title: 'Log lines of all processes',
    description:
      'The newest lines that match, newest first: of a level or graver, of a service or instance, of one trace, with a text. Use level `error` for what went wrong lately, `trace` for one request. `next` given back as `cursor` goes on with older ones.',
    input: z.strictObject({
      level: logLevel.optional().describe('this one or graver'),
      text: z.string().max(1_000).optional().describe('somewhere in the line, in any case'),
      service,
      instance: service,
      trace: traceId.optional(),
      from,
      to,
      cursor: z.string().max(40).optional(),
      limit: limit(500, 50),
    }),
    run: async (asked, { config }) => {
      const { lines, ...rest } = await askTelemetry(config.home, 'logs', asked)
      const views = lines.map(({ atMs, id: _, ...line }) => ({ at: new Date(atMs).toISOString(), ...line }))
      return { ...rest, lines: views }
    },
  }),
]

const metricTools = [
  tool({
    name: 'metric_names',
    title: 'Which metrics there are',
    description: 'Names of the metrics that are scraped, with type, help and how many series each has. Then `metrics`.',
    input: z.strictObject({
      contains: z.string().max(200).optional().describe('part of the name or the help'),
    }),
    run: async ({ contains = '' }, { config }) => {
      const { metrics } = await askTelemetry(config.home, 'metricNames')
      const sought = contains.toLowerCase()
      return { metrics: metrics.filter(({ name, help }) => `${name} ${help}`.toLowerCase().includes(sought)) }
    },
  }),
  tool({
    name: 'metrics',
    title: 'A PromQL question',
    description:
      'Evaluates PromQL over what was scraped, at one moment, or over a range where `from` is given. E.g. `sum by (topic, service) (svyaz_consumer_lag)`. For rates, errors and latency of services `traffic` is simpler.',
    hint: '`metric_names` lists what there is; the part of PromQL is that of platform/metrics/README.md.',
    input: z.strictObject({
      query: z.string().min(1).max(2_000),
      time: from,
      from,
      to,
      step_s: z.int().min(1).max(86_400).optional(),
    }),
    run: async ({ query, time, step_s: stepS, ...range }, { config }) => {
      if (range.from === undefined) return askTelemetry(config.home, 'metric', { query, time: time ?? range.to })
      return askTelemetry(config.home, 'metricRange', { query, ...range, stepS })
    },
  }),
  tool({
    name: 'traffic',
    title: 'Rate, errors and duration',
    description:
      'Who talks to whom over the last minutes, made of live spans: requests per second, share of errors and latency of every edge between services, topics and databases, and what waits in topics; with `service`, of each operation of it. Use it to find where a system is slow or failing.',
    input: z.strictObject({
      service,
      window_s: z.int().min(10).max(3_600).default(300).describe('seconds to look back'),
    }),
    run: async ({ service: one, window_s: windowS }, { config }) => {
      if (one === undefined) {
        const { nodes, edges, ...rest } = await askTelemetry(config.home, 'edges', { windowS })
        return { ...rest, nodes: nodes.map(redView), edges: edges.map(redView) }
      }
      const { operations, edges: _, ...rest } = await askTelemetry(config.home, 'red', { windowS, service: one })
      return { ...rest, operations: operations.map(redView) }
    },
  }),
]

type Red = Pick<TelemetryReply<'red'>['operations'][number], 'p50Ms' | 'p90Ms' | 'meanMs' | 'maxMs'>

/** Three figures of a latency are enough to see where to look. */
const redView = <T extends Red>({ p90Ms: _, meanMs: __, ...rest }: T) => rest

const levelTools = [
  tool({
    name: 'service_levels',
    title: 'Service levels',
    description:
      'What is promised, what is measured, and what is left of each error budget; `no data` where samples are too few. A missed one names its runbook. Without ids all of them, without their series; with ids those, in full.',
    input: z.strictObject({
      ids: z.array(z.string().max(100)).max(32).optional(),
    }),
    run: async ({ ids = [] }, place) => {
      const [{ levels }, { runCommand }] = await Promise.all([import('../levels.ts'), import('./run-command.ts')])
      const { values } = await runCommand(levels, place, ids)
      const all = (values[0] as Pick<TelemetryReply<'levels'>, 'levels'>).levels
      const order = ['missed', 'met', 'no data']
      const sorted = [...all].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
      return { levels: ids.length > 0 ? sorted : sorted.map(briefly) }
    },
  }),
]

const briefly = (level: TelemetryReply<'levels'>['levels'][number]) => ({
  id: level.id,
  what: level.what,
  verdict: level.verdict,
  objective: level.objective,
  window: level.window,
  budgetSpent: level.budget?.spent,
  missedBy: level.series.filter(({ verdict }) => verdict === 'missed').map(({ of, value }) => ({ of, value })),
  runbook: level.verdict === 'missed' ? level.runbook : undefined,
})

/** All of them only look. */
export const telemetryTools = [...traceTools, ...logTools, ...metricTools, ...levelTools]
