/**
 * The running system as it is seen from outside: the gateway, topics, traces, the provider's ledger, mails, databases,
 * logs, and the supervisor's switches. Everything asked through it is kept as a step that can be repeated by hand.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { Look } from '@svyaz/metrics'
import { Databases } from '@svyaz/observe/databases.ts'
import { type Answer, type Ask, ask } from '@svyaz/observe/http.ts'
import { entriesOf, readLedger, readMails } from '@svyaz/observe/ledger.ts'
import { administrator, type OrderWish as ObservedWish, Person } from '@svyaz/observe/person.ts'
import { TopicReader, type TopicRecord, Topics } from '@svyaz/observe/topics.ts'
import { type Hop, hopsOf, type Span } from '@svyaz/observe/traces.ts'
import { until } from '@svyaz/observe/until.ts'
import { ask as control, type Instances, stream } from '@svyaz/system/supervisor/control-client.ts'
import { serviceAccess } from '@svyaz/system/supervisor/service-access.ts'
import type { Action, InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import { topology } from '@svyaz/system/topology'
import { answerLine, commandLine, recordLine } from './command-line.ts'
import { NotRun, type Step, Stopped } from './step.ts'

/** What is ordered where a proof doesn't care. */
export type OrderWish = Partial<ObservedWish>

/** What all proofs of one run share. */
export interface Shared {
  readonly home: string
  readonly environment: NodeJS.ProcessEnv
  readonly topics: Topics
  /** Everything written to any topic since the proofs began. */
  readonly records: TopicReader
  readonly databases: Databases
  /** Things that several proofs look at are done once, by name. */
  readonly memo: Map<string, Promise<unknown>>
  admin: Promise<Person> | undefined
}

/**
 * @param brokers where topics are read: `host:port`, some of one cluster
 * @param environment names programs that some proofs need, such as Caddy
 */
export async function openShared(
  home: string,
  brokers: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Shared & AsyncDisposable> {
  const topics = new Topics(brokers, 'svyaz-verify')
  const records = await TopicReader.fromNow(topics)
  const databases = new Databases(async (service) => {
    const { instances } = await control<Instances>(home, 'GET', '/instances')
    const port = instances.find(({ name }) => name === 'postgres-1')?.ports.sql
    if (port === undefined) throw notPartOf('postgres')
    return serviceAccess(home, topology, port).url(service)
  })
  let closed = false
  return {
    home,
    environment,
    topics,
    records,
    databases,
    memo: new Map(),
    admin: undefined,
    [Symbol.asyncDispose]: async () => {
      if (closed) return
      closed = true
      await records[Symbol.asyncDispose]()
      await databases[Symbol.asyncDispose]()
    },
  }
}

const notPartOf = (process: string): NotRun =>
  new NotRun(`${process} is not part of the running system; all of it: npx svyaz down, then npx svyaz verify`)

/** Stock is asked for far beyond what the catalogue has, so that a second run finds as much as the first. */
const defaultProduct = 'P-1001'

/** What brings a process back. */
const mending: readonly Action[] = ['start', 'resume']

const isOrder = (method: string, url: string): boolean => method === 'POST' && url.endsWith('/orders')

export class Outside {
  readonly steps: Step[] = []
  readonly shared: Shared
  readonly #heard: (step: Step) => void
  /** Aborts when the proof is to end. */
  readonly stopping: AbortSignal
  #wasStopped = false

  /**
   * @param heard called with each step as it is done
   * @param stopping once it aborts, what leads further (somebody new, an order, waiting for its end, a kill) throws
   * `Stopped`; what brings things back does not
   */
  constructor(
    shared: Shared,
    heard: (step: Step) => void = () => {},
    stopping: AbortSignal = new AbortController().signal,
  ) {
    this.shared = shared
    this.#heard = heard
    this.stopping = stopping
  }

  /** Something led no further, whether or not the proof has noticed. */
  get wasStopped(): boolean {
    return this.#wasStopped
  }

  /** Asked before each step that leads further. @throws Stopped when the proof is to end */
  goOn(): void {
    if (!this.stopping.aborted) return
    this.#wasStopped = true
    throw new Stopped()
  }

  get topics(): Topics {
    return this.shared.topics
  }

  get records(): TopicReader {
    return this.shared.records
  }

  note(command: string, answer: string): void {
    this.#add({ command, answer })
  }

  #add(step: Step): void {
    this.steps.push(step)
    this.#heard(step)
  }

  /** Once per run, whoever needs it first; each proof that uses it prints the same steps. */
  async once<T>(name: string, make: (outside: Outside) => Promise<T>): Promise<T> {
    const { memo } = this.shared
    let made = memo.get(name) as Promise<{ value: T; steps: Step[] }> | undefined
    if (made === undefined) {
      const own = new Outside(this.shared, undefined, this.stopping)
      made = make(own).then((value) => ({ value, steps: own.steps }))
      memo.set(name, made)
    }
    const { value, steps } = await made
    for (const step of steps) this.#add(step)
    return value
  }

  async instances(service?: string): Promise<InstanceView[]> {
    const { instances } = await control<Instances>(this.shared.home, 'GET', '/instances')
    return service === undefined ? [...instances] : instances.filter((view) => view.service === service)
  }

  /** @throws NotRun when that process is not part of the running system. */
  async url(process: string, port = 'http', instance = 1): Promise<string> {
    const view = (await this.instances()).find(({ name }) => name === `${process}-${instance}`)
    const number = view?.ports[port]
    if (number === undefined) throw notPartOf(process)
    return `http://127.0.0.1:${number}`
  }

  /**
   * Kill, stop, start … through the supervisor, as `svyaz kill` does.
   * @throws Stopped when the proof is to end, unless this is what mends
   */
  async act(action: Action, target: string): Promise<void> {
    if (!mending.includes(action)) this.goOn()
    await control(this.shared.home, 'POST', `/instances/${target}/${action}`)
    this.note(`npx svyaz ${action} ${target}`, 'done')
  }

  async scale(service: string, count: number): Promise<void> {
    await control(this.shared.home, 'POST', `/services/${service}/scale/${count}`)
    this.note(`npx svyaz scale ${service}=${count}`, 'done')
  }

  untilReady(service?: string): Promise<InstanceView[]> {
    return until(
      `${service ?? 'everything'} to be ready`,
      async () => {
        const views = await this.instances(service)
        return views.every(({ status }) => status === 'ready') && views
      },
      { timeoutMs: 40_000 },
    )
  }

  /** A request, kept as a step. @throws Stopped when the proof is to end and this would be an order */
  async ask(method: string, url: string, options: Ask = {}): Promise<Answer> {
    if (isOrder(method, url)) this.goOn()
    const answer = await ask(method, url, options)
    this.note(commandLine(method, url, options), answerLine(answer))
    return answer
  }

  async gateway(method: string, path: string, options: Ask = {}): Promise<Answer> {
    return this.ask(method, `${await this.url('gateway')}${path}`, options)
  }

  /** The same without a step: for looking again and again. @throws Stopped as `ask` does */
  async look(method: string, path: string, options: Ask = {}): Promise<Answer> {
    if (isOrder(method, path)) this.goOn()
    return ask(method, `${await this.url('gateway')}${path}`, options)
  }

  /** A new user: the limits of the gateway are per user, so that proofs do not meet. */
  async person(name: string): Promise<Person> {
    this.goOn()
    return Person.register(await this.url('gateway'), name)
  }

  admin(): Promise<Person> {
    this.shared.admin ??= this.url('gateway').then((gateway) => Person.signIn(gateway, administrator))
    return this.shared.admin
  }

  /** An accepted order. @throws Error with the refusal. */
  async order(person: Person, wish: OrderWish = {}): Promise<OrderView & { traceId: string }> {
    const body = { items: [{ productId: defaultProduct, quantity: 1 }], ...wish }
    const answer = await this.gateway('POST', '/orders', { token: person.token, body })
    if (answer.status !== 201) throw new Error(`POST /orders answered ${answerLine(answer)}`)
    return { ...(answer.body as OrderView), traceId: answer.headers['x-trace-id'] ?? '' }
  }

  /** Until it ends, however it ends. Asked every 0.7 s: a person has a hundred requests a minute. */
  async untilFinal(person: Person, id: string, timeoutMs = 40_000): Promise<OrderView> {
    const order = await this.#unlessStopped(person.untilEnded(id, { timeoutMs, everyMs: 700 }))
    this.note(commandLine('GET', `${person.gateway}/orders/${id}`, { token: '' }), `200 ${order.status}`)
    return order
  }

  /** @throws Stopped as soon as that is wanted, and leaves the work to itself */
  async #unlessStopped<T>(work: Promise<T>): Promise<T> {
    const stopped = Promise.withResolvers<'stopped'>()
    const stop = () => stopped.resolve('stopped')
    this.stopping.addEventListener('abort', stop)
    if (this.stopping.aborted) stop()
    try {
      const first = await Promise.race([stopped.promise, work.then((value) => ({ value }))])
      if (first !== 'stopped') return first.value
    } finally {
      this.stopping.removeEventListener('abort', stop)
    }
    this.#wasStopped = true
    throw new Stopped()
  }

  /** A trace with all that it caused, once `complete` says that it is all there. */
  async trace(traceId: string, complete: (hops: Hop[]) => boolean): Promise<Hop[]> {
    const url = `${await this.url('telemetry', 'otlp')}/traces/${traceId}/joined`
    let hops: Hop[] = []
    // A judgement of what is missing says more than a time-out here would.
    await until(
      'the trace',
      async () => {
        const { status, body } = await ask('GET', url)
        if (status === 200) hops = hopsOf(body.spans as Span[])
        return status === 200 && complete(hops)
      },
      { timeoutMs: 8_000, everyMs: 250 },
    ).catch(() => {})
    const services = [...new Set(hops.map((hop) => hop.service))].sort()
    this.note(commandLine('GET', url), `200 ${hops.length} spans of ${services.join(', ')}`)
    return hops
  }

  noteRecords(records: readonly TopicRecord[]): void {
    for (const record of records) this.note(`npx svyaz topics ${record.topic} --key ${record.key}`, recordLine(record))
  }

  async sql<Row extends object>(service: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const rows = await this.shared.databases.rows<Row>(service, text, values)
    const shown = values.reduce<string>((line, value, at) => line.replaceAll(`$${at + 1}`, `'${value}'`), text)
    this.note(
      `npx svyaz db ${service} -c "${shown.replaceAll(/\s+/g, ' ')}"`,
      `${rows.length} rows: ${answerLine({ status: 0, body: rows }).slice(2)}`,
    )
    return rows
  }

  /** An answer of a service's database while everything is stopped: the command starts PostgreSQL alone, and stops it. */
  async sqlStopped<Row extends object>(service: string, text: string): Promise<Row[]> {
    const command = join(import.meta.dirname, '..', '..', 'cli', 'src', 'main.ts')
    const { stdout } = await promisify(execFile)(process.execPath, [command, 'db', service, '-c', text, '--json'])
    const { rows } = JSON.parse(stdout) as { rows: Row[] }
    this.note(`npx svyaz down; npx svyaz db ${service} -c "${text}"`, JSON.stringify(rows))
    return rows
  }

  /** One look at `/metrics` of every instance of every service, labelled as Prometheus would. */
  async scrape(): Promise<Look> {
    const views = (await this.instances()).filter(({ kind }) => kind === 'service')
    const pages = await Promise.all(
      views.map(async ({ name, service, ports }) => {
        const { body } = await ask('GET', `http://127.0.0.1:${ports.management}/metrics`)
        return { target: { job: 'svyaz', service, instance: name }, page: String(body) }
      }),
    )
    return { atMs: Math.round(performance.now()), pages }
  }

  /** Every metric that some service exposes, with or without samples; a histogram by its own name. */
  async metricNames(): Promise<ReadonlySet<string>> {
    const views = (await this.instances()).filter(({ kind }) => kind === 'service')
    const pages = await Promise.all(
      views.map(({ ports }) => ask('GET', `http://127.0.0.1:${ports.management}/metrics`)),
    )
    return new Set(pages.flatMap(({ body }) => [...String(body).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!)))
  }

  /** Samples of an instance, by name and labels as they are on the page. */
  async metrics(instance: string): Promise<ReadonlyMap<string, number>> {
    const view = (await this.instances()).find(({ name }) => name === instance)
    if (view === undefined) throw notPartOf(instance)
    const port = view.ports.management ?? view.ports.http ?? view.ports.otlp
    const { body } = await ask('GET', `http://127.0.0.1:${port}/metrics`)
    return new Map(
      String(body)
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => {
          const at = line.lastIndexOf(' ')
          return [line.slice(0, at), Number(line.slice(at + 1))]
        }),
    )
  }

  async info(instance: string): Promise<{ pid: number; settings: Record<string, unknown> }> {
    const view = (await this.instances()).find(({ name }) => name === instance)
    const { body } = await ask('GET', `http://127.0.0.1:${view?.ports.management}/info`)
    return body
  }

  /** The last lines of all instances. */
  async logs(target: string, lines = 500): Promise<string[]> {
    const found: string[] = []
    for await (const line of stream(this.shared.home, 'GET', `/logs/${target}?lines=${lines}`))
      found.push((JSON.parse(line) as { line: string }).line)
    return found
  }

  /** What the payment provider has in its own books about an order: minor units, charged positive, returned negative. */
  async ledger(orderId: string): Promise<number[]> {
    const processor = await this.url('payment-processor')
    const entries = entriesOf(await readLedger(processor), orderId)
    this.note(`${commandLine('GET', `${processor}/ledger`)} | grep ${orderId}`, JSON.stringify(entries))
    return entries
  }

  async mails({ email }: Person): Promise<{ messageId: string; subject: string }[]> {
    const sink = await this.url('mail-sink')
    const mails = (await readMails(sink, email)).map(({ messageId, subject }) => ({ messageId, subject }))
    this.note(
      commandLine('GET', `${sink}/mails?to=${encodeURIComponent(email)}`),
      mails.map(({ subject, messageId }) => `${subject} ${messageId}`).join('; '),
    )
    return mails
  }
}
