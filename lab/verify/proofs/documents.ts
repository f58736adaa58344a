/**
 * R7.4: what the pages say, against what runs. A page is never proven by being there: its lists, pictures and
 * expressions are compared with processes, topics, consumer groups, traces and metrics of the running system.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TopicRecord } from '@svyaz/observe/topics.ts'
import { requirements } from '../assignment.ts'
import { completed, paidNow } from '../journeys.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { type PageShape, shapeOf, twinFaults } from '../twins.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const unique = (names: Iterable<string>): string[] => [...new Set(names)].sort()

/** First cells of the table that a page has in a region made from code. */
function tableOf(page: string, region: string): string[] {
  const body =
    new RegExp(`made by tools/docs\\.ts: ${region} -->\\n([\\s\\S]*?)<!-- end -->`).exec(read(page))?.[1] ?? ''
  return [...body.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!)
}

/** What is written in the boxes of a picture, by kind of box. */
function boxesOf(picture: string, ...kinds: string[]): string[] {
  const found = read(`docs/diagrams/${picture}.svg`).matchAll(/<rect class="(\w+)"[^>]*\/>\s*<text [^>]*>([^<]*)</g)
  return unique([...found].flatMap(([, kind, text]) => (kinds.includes(kind!) ? [text!] : [])))
}

/** `orders.events → delivery`: who reads what, as the source of the picture has it. */
function readersDrawn(): string[] {
  const source = read('docs/diagrams/publish-subscribe.mmd')
  const names = new Map([...source.matchAll(/^ {2}(\w+)\["([^"]+)"\]$/gm)].map(([, id, name]) => [id!, name!]))
  return [...source.matchAll(/^ {2}(\w+) -\.-> (\w+)$/gm)]
    .map(([, from, to]) => [names.get(from!) ?? '', names.get(to!) ?? ''])
    .filter(([from, to]) => from!.endsWith('.events') && to !== 'every service')
    .map(([topic, reader]) => `${topic} → ${reader}`)
    .sort()
}

const instanceNumber = /-\d+$/

/** Who reads what, as the members of the consumer groups have it from the broker. Configuration goes to everyone. */
async function readersFound(outside: Outside): Promise<{ events: string[]; queue: string[] }> {
  const names = (await outside.topics.groupNames()).filter((name) => !name.startsWith('svyaz-verify'))
  const pairs = (await outside.topics.groups(names)).flatMap(({ members }) =>
    members.flatMap(({ client, partitions }) =>
      partitions.map((partition) => ({ topic: partition.replace(instanceNumber, ''), client })),
    ),
  )
  return {
    events: unique(
      pairs
        .filter(({ topic }) => topic.endsWith('.events') && topic !== 'config.events')
        .map(({ topic, client }) => `${topic} → ${client.replace(instanceNumber, '')}`),
    ),
    queue: unique(pairs.filter(({ topic }) => topic === 'payments.tasks').map(({ client }) => client)),
  }
}

/** Links of every page that lead to a file of this checkout and find none. */
function brokenLinks(): string[] {
  const pages = globSync('{*.md,docs/**/*.md}', { cwd: root })
  return pages.flatMap((page) => {
    const text = read(page).replace(/```[\s\S]*?```/g, '')
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target.split('#')[0]!)
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`)
  })
}

/** A page of the deliverables beside its Russian counterpart. */
interface Twin {
  readonly page: string
  readonly english: PageShape
  readonly russian: PageShape
}

const pageOrNone = (path: string): string | undefined => (existsSync(join(root, path)) ? read(path) : undefined)

/** What the assignment asks to be delivered in writing. */
const deliverables = [
  'architecture',
  'interactions',
  'patterns',
  'relay',
  'discovery',
  'gateway',
  'messaging',
  'protocols',
  'failures',
  'monitoring',
  'delivery-guarantees',
  'splitting-a-monolith',
  'java-names',
]

/** The deliverables in both languages. */
export const twins = (): Twin[] =>
  deliverables.map((page) => ({
    page,
    english: shapeOf(pageOrNone(`docs/${page}.md`)),
    russian: shapeOf(pageOrNone(`docs/ru/${page}.md`)),
  }))

/** Metrics that the plan's expressions ask for; `up` is Prometheus' own. */
function metricsPlanned(): string[] {
  const words = read('docs/monitoring.md').matchAll(/\b((?:http|grpc|svyaz|process|nodejs|gateway)_[a-z0-9_]+)/g)
  return unique([...words].map(([, name]) => name!.replace(/_(?:sum|count|bucket)$/, '')))
}

interface AsyncApi {
  readonly channels: Readonly<Record<string, { readonly messages?: Readonly<Record<string, unknown>> }>>
  readonly components: {
    readonly messages: Readonly<
      Record<string, { readonly name: string; readonly payload: { readonly required?: readonly string[] } }>
    >
  }
}

/** What the AsyncAPI document does not say of records that flowed: kinds that are not messages of their channel, fields that it requires and that are not there. */
function unlikeDocument(records: readonly TopicRecord[]): string[] {
  const { channels, components } = JSON.parse(read('contracts/generated/asyncapi.json')) as AsyncApi
  return unique(
    records.flatMap(({ topic, type, data }) => {
      const keys = Object.keys(channels[topic]?.messages ?? {})
      const message = keys.map((key) => components.messages[key]).find((one) => one?.name === type)
      if (message === undefined) return [`${topic} ${type} is not described`]
      return (message.payload.required ?? [])
        .filter((field) => !(field in (data as object)))
        .map((field) => `${topic} ${type} lacks ${field}`)
    }),
  )
}

export const written = proof({
  gather: async (outside) => {
    const [usual, now] = [await completed(outside), await paidNow(outside)]
    const drawn = {
      processes: tableOf('ARCHITECTURE.md', 'processes'),
      topics: tableOf('ARCHITECTURE.md', 'topics'),
      methods: tableOf('ARCHITECTURE.md', 'grpc'),
    }
    const pictures = {
      architecture: boxesOf('architecture', 'service', 'engine', 'outside').filter(
        (name) => name !== 'browser' && name !== 'programs',
      ),
      topics: boxesOf('publish-subscribe', 'topic'),
      readers: readersDrawn(),
      workers: boxesOf('point-to-point', 'service').filter((name) => instanceNumber.test(name)),
      relay: boxesOf('relay', 'service', 'topic', 'engine').map((name) => name.toLowerCase()),
    }
    const views = await outside.instances()
    const topics = (await outside.topics.names()).filter((name) => !name.endsWith('.dlq') && !name.startsWith('__'))
    const { events: readers, queue: workers } = await readersFound(outside)
    const called = [...usual.hops, ...now.hops]
      .filter(({ over, kind, what }) => over === 'grpc' && kind === 'server' && what !== undefined)
      .map(({ what }) => what!.split('.').at(-1)!.replace('/', '.'))
    const said = unique(outside.records.records.map(({ topic, type }) => `${topic} ${type}`))
    const exposed = await outside.metricNames()
    const planned = metricsPlanned()
    const cited = read('docs/failures.md').matchAll(/`verify ([RL][\w.-]+)`/g)
    outside.note(
      'ARCHITECTURE.md, docs/diagrams/*.svg',
      `${drawn.processes.length} processes, ${drawn.topics.length} topics, ${drawn.methods.length} gRPC methods, ${pictures.readers.length} readers of events`,
    )
    outside.note(
      'npx svyaz ps; npx svyaz topics',
      `${new Set(views.map(({ service }) => service)).size} processes, ${topics.length} topics, ${readers.length} readers of events`,
    )
    outside.note('contracts/generated/asyncapi.json', `${said.length} kinds of records of this run, each looked up`)
    outside.note('docs/monitoring.md', `${planned.length} metrics, each looked for in /metrics of every instance`)
    const { body } = await outside.ask('GET', `${await outside.url('discovery')}/v1/catalog/services`)
    return {
      drawn,
      pictures,
      running: unique(views.map(({ service }) => service)),
      registered: Object.keys(body as object).filter((name) => name !== 'consul' && name !== 'verify-echo'),
      topics,
      readers,
      workers,
      called: unique(called),
      unlike: unlikeDocument(outside.records.records),
      said: said.length,
      planned,
      unexposed: planned.filter((name) => !exposed.has(name)),
      unknownRows: unique([...cited].map(([, id]) => id!)).filter((id) => !requirements.some((row) => row.id === id)),
      twins: twins(),
      brokenLinks: brokenLinks(),
    }
  },
  judge: (evidence) => {
    const { drawn, pictures, running, registered, topics, readers, workers, called } = evidence
    const beyond = (one: readonly string[], other: readonly string[], sentence: (name: string) => string) =>
      one.filter((name) => !other.includes(name)).map(sentence)
    const events = topics.filter((name) => name.endsWith('.events') || name === 'relay.messages')
    return [
      ...beyond(drawn.processes, running, (name) => `the process ${name} is listed and does not run`),
      ...beyond(running, drawn.processes, (name) => `the process ${name} runs and is not listed`),
      ...beyond(registered, drawn.processes, (name) => `${name} is in discovery and not listed`),
      ...beyond(drawn.topics, topics, (name) => `the topic ${name} is listed and not in the broker`),
      ...beyond(topics, drawn.topics, (name) => `the topic ${name} is in the broker and not listed`),
      ...beyond(called, drawn.methods, (name) => `${name} is called and not listed`),
      ...beyond(pictures.architecture, running, (name) => `the picture has ${name}, which does not run`),
      ...beyond(running, pictures.architecture, (name) => `${name} runs and is not in the picture`),
      ...beyond(pictures.topics, events, (name) => `the picture has the topic ${name}, which the broker has not`),
      ...beyond(events, pictures.topics, (name) => `the topic ${name} is not in the picture`),
      ...beyond(pictures.readers, readers, (name) => `${name} is drawn, and no group of the broker reads so`),
      ...beyond(readers, pictures.readers, (name) => `${name} is read and not drawn`),
      ...beyond(pictures.workers, workers, (name) => `the worker ${name} is drawn and has no partition`),
      ...beyond(workers, pictures.workers, (name) => `the worker ${name} is not drawn`),
      ...beyond(pictures.relay, [...running, ...topics, 'postgresql'], (name) => `the relay's ${name} does not run`),
      ...evidence.unlike.map((one) => `asyncapi.json: ${one}`),
      ...evidence.unexposed.map((name) => `the monitoring plan asks for ${name}, which nobody exposes`),
      ...evidence.unknownRows.map((id) => `failures.md cites the row ${id}, which is none`),
      ...evidence.twins.flatMap(({ page, english, russian }) => twinFaults(page, english, russian)),
      ...evidence.twins
        .filter(({ english }) => english.paragraphs + english.tables.flat().length < 8)
        .map(({ page }) => `docs/${page}.md says next to nothing`),
      ...faultsOf(
        [called.length >= 3, `only ${called.join()} were called`],
        [readers.length >= 8, `only ${readers.join('; ')} are read`],
        [evidence.said >= 10, `only ${evidence.said} kinds of records were seen`],
        [evidence.planned.length >= 8, `the monitoring plan names ${evidence.planned.join()} only`],
      ),
      ...evidence.brokenLinks.map((link) => `a link leads nowhere: ${link}`),
    ]
  },
})
