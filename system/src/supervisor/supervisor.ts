/**
 * Runs the topology: starts everything at once, restarts what dies, and does what it is asked. Read after
 * topology.ts and lifecycle.ts; this file is the wiring between them.
 */
import { mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { databaseOf, type Topology, type TopologyProcess } from '../../topology.ts'
import { Bundler } from '../bundler/bundler.ts'
import { cachesOf, removeOtherCaches } from '../bundler/caches.ts'
import { certificateFiles } from '../certificates/local-authority.ts'
import { checkoutAt } from '../checkout.ts'
import { certifiedCredentials } from './certified-credentials.ts'
import { type Installation, tell } from './environment.ts'
import { SupervisorError } from './errors.ts'
import { homeSteps, homeVersion, openHome } from './home.ts'
import { allocator, inheritable, sourceMapFlags } from './inherited.ts'
import { Instance } from './instance.ts'
import { launchProcess, type Running } from './launch.ts'
import { launchPostgres } from './launch-postgres.ts'
import { type InstanceEvent, type InstanceState, restartPolicy, type Status } from './lifecycle.ts'
import { takeLock } from './lock.ts'
import { logFile } from './log-reader.ts'
import { ChildrenRecord, endOrphans } from './orphans.ts'
import { Output } from './output.ts'
import { placesIn } from './places.ts'
import { assignAll, Ports } from './ports.ts'
import { probeInstance } from './probe.ts'
import { identify } from './process-table.ts'

export interface SupervisorOptions {
  readonly topology: Topology
  /** Folder that the topology's entries are relative to. */
  readonly root: string
  /** SVYAZ_HOME. */
  readonly home: string
  readonly host: string
  /** Added to every fixed port; `'free'`: all ports are free ones. */
  readonly portOffset: number | 'free'
  /** False runs the .ts files themselves. */
  readonly bundle: boolean
  /** What is built lies here, to be shared with other systems; default: in the home, for itself. */
  readonly cache?: string
  /** Variables for every process on top of the contract. */
  readonly extra: Readonly<Record<string, string>>
  /** Variables that children inherit. */
  readonly inherited: NodeJS.ProcessEnv
  readonly random: () => number
}

/** An instance as others see it. */
export interface InstanceView {
  readonly name: string
  readonly service: string
  readonly kind: TopologyProcess['kind']
  readonly status: Status
  readonly pid: number | undefined
  readonly ports: Readonly<Record<string, number>>
  readonly restarts: number
  /** Of the present process, RFC 3339. */
  readonly startedAt: string | undefined
  /** Why it is in this state, in a line for people, if it says so. */
  readonly reason: string | undefined
  readonly lastExit: { readonly code: number | null; readonly signal: string | null } | undefined
  readonly memoryBudgetMb: number
  readonly scalable: boolean
  readonly log: string
}

export type SupervisorEvent =
  | { readonly type: 'instance'; readonly at: string; readonly instance: InstanceView }
  | { readonly type: 'removed'; readonly at: string; readonly name: string }
  | { readonly type: 'note'; readonly at: string; readonly text: string }
  | { readonly type: 'stopping'; readonly at: string }

export type Action = 'start' | 'stop' | 'restart' | 'kill' | 'pause' | 'resume'

/** A system that others share a cache with isn't expected to run longer. */
const sharedBundleAgeMs = 24 * 60 * 60 * 1000

/** A service must not run in more instances than this. */
export const instancesMax = 16

export class Supervisor {
  readonly options: SupervisorOptions
  readonly #instances = new Map<string, Instance>()
  readonly #outputs = new Map<string, Output>()
  readonly #listeners = new Set<(event: SupervisorEvent) => void>()
  /** Variables for the next process of an instance, and that one alone. */
  readonly #forNextStart = new Map<string, Readonly<Record<string, string>>>()
  readonly #places
  readonly #caches
  readonly #children: ChildrenRecord
  readonly #ports: Ports
  readonly #installation: Installation
  readonly #bundler: Bundler | undefined
  readonly #releaseLock: () => void
  readonly #notes: SupervisorEvent[] = []
  #stopping: Promise<void> | undefined
  /** So that nothing waits for what will not come. */
  readonly #ended = new AbortController()

  /**
   * Takes the home, cleans what an earlier supervisor left, checks the ports and starts every process. Returns as soon
   * as all are being started; {@link ready} waits for the rest.
   *
   * @throws SupervisorError, before anything was started: the home is in use or newer than this code, ports are taken.
   */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    mkdirSync(options.home, { recursive: true })
    const places = placesIn(options.home)
    const checkout = checkoutAt(options.root)
    homeVersion(places, checkout)
    const releaseLock = takeLock(places.lock, { checkout })
    try {
      const killed = await endOrphans(places.children)
      const migratedFrom = openHome(places, checkout)
      const ports = new Ports({ ...options, offset: options.portOffset, file: places.ports })
      await assignAll(ports, options.topology)
      const supervisor = new Supervisor(options, ports, releaseLock)
      supervisor.#startAll()
      if (migratedFrom !== undefined)
        supervisor.note(`brought the state in ${options.home} from version ${migratedFrom} to ${homeSteps.length}`)
      if (killed.length > 0) supervisor.note(`ended what an earlier supervisor left running: ${killed.join(', ')}`)
      return supervisor
    } catch (error) {
      releaseLock()
      throw error
    }
  }

  private constructor(options: SupervisorOptions, ports: Ports, releaseLock: () => void) {
    const { topology, home, host, root, bundle } = options
    this.options = options
    this.#places = placesIn(home)
    this.#caches = cachesOf(root, options.cache ?? this.#places.built)
    this.#children = new ChildrenRecord(this.#places.children, (text) => this.note(text))
    this.#ports = ports
    this.#releaseLock = releaseLock
    this.#bundler = bundle
      ? new Bundler({ root, directory: this.#caches.bundles, signal: this.#ended.signal })
      : undefined
    const credentials = certifiedCredentials(this.#places.keys, topology)
    const names = new Set(topology.processes.map((process) => process.name))
    this.#installation = {
      home,
      host,
      advertisedHost: host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host,
      port: (process, port) => ports.first(process, port),
      has: (process) => names.has(process),
      ...credentials,
      dataDirectory: this.#places.data,
      places: {
        'control-socket': this.#places.controlSocket,
        'page-cache': this.#caches.pages,
        logs: this.#places.logs,
        'service-keys': credentials.jwksFile,
        authority: certificateFiles(this.#places.keys).authority,
      },
      extra: options.extra,
    }
  }

  get stopping(): boolean {
    return this.#stopping !== undefined
  }

  get controlSocket(): string {
    return this.#places.controlSocket
  }

  get logDirectory(): string {
    return this.#places.logs
  }

  /** The port under which clients find a process. */
  port(process: string, port: string): number {
    return this.#ports.first(process, port)
  }

  /** Connection string of a service's database, as the service itself gets it. */
  databaseUrl(service: string): string {
    const url = tell(this.#process(service), `${service}-1`, {}, this.#installation).env.SVYAZ_DATABASE_URL
    if (url === undefined) throw new SupervisorError(`${service} has no database here`)
    return url
  }

  /** All instances in the topology's order. */
  views(): InstanceView[] {
    const order = this.options.topology.processes.map((process) => process.name)
    return [...this.#instances.values()]
      .sort(
        (a, b) =>
          order.indexOf(a.parts.process.name) - order.indexOf(b.parts.process.name) || a.parts.index - b.parts.index,
      )
      .map((instance) => this.#view(instance))
  }

  /** Calls the listener with every note so far and every change, until the function returned is called. */
  listen(listener: (event: SupervisorEvent) => void): () => void {
    for (const note of this.#notes) listener(note)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Gives variables to the next process of an instance and to no later one, so that what a crash point kills comes back
   * without it. They win over the contract's.
   *
   * @throws SupervisorError when there is no such instance.
   */
  startNextWith(instance: string, variables: Readonly<Record<string, string>>): void {
    if (!this.#instances.has(instance)) throw new SupervisorError(`there is no instance "${instance}"`)
    this.#forNextStart.set(instance, variables)
  }

  /** Waits until every instance that isn't meant to be stopped is ready; what starts late isn't waited for. */
  async ready(signal?: AbortSignal): Promise<void> {
    const settled = (state: InstanceState) => state.status === 'ready' || state.status === 'stopped'
    for (;;) {
      const waiting = [...this.#instances.values()].filter(({ parts, state }) => !parts.process.late && !settled(state))
      if (waiting.length === 0) return
      await Promise.all(waiting.map((instance) => instance.until(settled, signal)))
    }
  }

  /**
   * Does something to an instance (`orders-1`) or to all of a service (`orders`), and waits until it is done: started
   * and ready, stopped, or killed (the restart after a kill is not waited for).
   *
   * @throws SupervisorError when there is no such instance.
   */
  async act(action: Action, target: string, signal?: AbortSignal): Promise<InstanceView[]> {
    const chosen = this.#choose(target)
    if (action === 'start' || action === 'restart') this.#bundler?.lookAgain()
    await Promise.all(chosen.map((instance) => perform(instance, { type: action }, signal)))
    return chosen.map((instance) => this.#view(instance))
  }

  /**
   * Starts or stops instances until the service has `count`; the newest go first. Waits until they are ready or gone.
   *
   * @throws SupervisorError for a service that must run once, or a count that is out of bounds.
   */
  async scale(service: string, count: number, signal?: AbortSignal): Promise<InstanceView[]> {
    const process = this.#process(this.scalableService(service))
    if (!Number.isInteger(count) || count < 0 || count > instancesMax) {
      throw new SupervisorError(`the number of instances of ${service} must be between 0 and ${instancesMax}`)
    }
    const present = this.#of(service)
    const surplus = present.slice(count)
    const added: Instance[] = []
    for (let index = 1; present.length - surplus.length + added.length < count; index += 1) {
      if (present.some((instance) => instance.parts.index === index)) continue
      await this.#ports.assign(process, index)
      added.push(this.#add(process, index))
    }
    this.#ports.save()
    await Promise.all([
      ...added.map((instance) => perform(instance, { type: 'start' }, signal)),
      ...surplus.map(async (instance) => {
        await perform(instance, { type: 'stop' }, signal)
        this.#remove(instance)
      }),
    ])
    return this.#of(service).map((instance) => this.#view(instance))
  }

  /** Its name. @throws SupervisorError for a service that isn't there, or must run once. */
  scalableService(service: string): string {
    if (!this.#process(service).scalable) throw new SupervisorError(`${service} runs once: it can't be scaled`)
    return service
  }

  /** Stops everything in order, stage by stage, each with its deadline. Safe to call twice. */
  stop(): Promise<void> {
    this.#ended.abort()
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  /** Ends everything now, without order. */
  killAll(): void {
    this.#ended.abort()
    for (const instance of this.#instances.values()) instance.killNow()
    this.#release()
  }

  #startAll(): void {
    const ageMs = this.options.cache === undefined ? 0 : sharedBundleAgeMs
    removeOtherCaches(this.#caches, ageMs)
    this.#bundler?.removeUnused(ageMs)
    for (const process of this.options.topology.processes) {
      for (let index = 1; index <= process.instances; index += 1) this.#add(process, index)
    }
    this.#ports.save()
    const instances = [...this.#instances.values()]
    for (const instance of instances) if (!instance.parts.process.late) instance.apply({ type: 'start' })
    void this.#startLate(instances.filter(({ parts }) => parts.process.late))
  }

  /** Those that somebody started or removed meanwhile are left as they are. */
  async #startLate(late: readonly Instance[]): Promise<void> {
    await this.ready(this.#ended.signal).catch(() => undefined)
    for (const instance of late) {
      const untouched = instance.startedAt === undefined && this.#instances.get(instance.parts.name) === instance
      if (untouched && !this.stopping) instance.apply({ type: 'start' })
    }
  }

  async #stopAll(): Promise<void> {
    this.#emit({ type: 'stopping', at: new Date().toISOString() })
    const stages = [...new Set(this.options.topology.processes.map((process) => process.stopStage))].sort(
      (a, b) => a - b,
    )
    // What a stage does not use of its time is left to the later ones: PostgreSQL, the last, may have much to write.
    let spareMs = 0
    for (const stage of stages) {
      const members = [...this.#instances.values()].filter((instance) => instance.parts.process.stopStage === stage)
      const startedMs = performance.now()
      await Promise.all(members.map((instance) => perform(instance, { type: 'stop', spareMs })))
      const allowedMs = spareMs + Math.max(0, ...members.map((instance) => instance.parts.process.stopTimeoutMs))
      spareMs = Math.max(0, Math.floor(allowedMs - (performance.now() - startedMs)))
    }
    this.#release()
  }

  #release(): void {
    this.#children.keep([])
    for (const output of this.#outputs.values()) output[Symbol.dispose]()
    this.#releaseLock()
  }

  #add(process: TopologyProcess, index: number): Instance {
    const name = `${process.name}-${index}`
    const output = new Output(logFile(this.#places.logs, name))
    const instance = new Instance({
      name,
      process,
      index,
      rules: { restart: restartPolicy, stopTimeoutMs: process.stopTimeoutMs },
      launch: (self) => this.#launch(self, output),
      lastWords: () => output.lastWords(),
      probe: () => probeInstance(process.ready, this.#installation.advertisedHost, this.#ports.of(name)),
      changed: (self) => this.#changed(self),
      launchFailed: (_self, error) => {
        const text = error instanceof Error ? error.message : String(error)
        output.note('error', `can't be started: ${text}`)
      },
      now: () => performance.now(),
    })
    this.#instances.set(name, instance)
    this.#outputs.set(name, output)
    return instance
  }

  #remove(instance: Instance): void {
    const { name } = instance.parts
    this.#instances.delete(name)
    this.#outputs.get(name)?.[Symbol.dispose]()
    this.#outputs.delete(name)
    this.#emit({ type: 'removed', at: new Date().toISOString(), name })
  }

  async #launch(instance: Instance, output: Output): Promise<Running> {
    const { process, name, index } = instance.parts
    // After a failure somebody else may sit on a free port; a fixed one is then reported by name.
    if (instance.state.failures > 0) await this.#ports.assign(process, index)
    if (process.contract === 'postgres') return this.#launchPostgres(process, name, output)
    if (process.entry === undefined) throw new SupervisorError(`${process.name} has no entry in the topology`)
    const script = this.#bundler
      ? await this.#bundler.bundleOf(process.entry)
      : resolve(this.options.root, process.entry)
    const told = tell(process, name, this.#ports.of(name), this.#installation)
    const once = this.#forNextStart.get(name)
    this.#forNextStart.delete(name)
    const { oldSpaceMb, semiSpaceMb } = process.heap
    const heap = [`--max-old-space-size=${oldSpaceMb}`, `--max-semi-space-size=${semiSpaceMb}`]
    return launchProcess(
      {
        file: globalThis.process.execPath,
        args: [...heap, ...sourceMapFlags(this.options.inherited), script, ...told.argv],
        cwd: this.options.root,
        alone: process.kind === 'console',
        env: {
          ...inheritable(this.options.inherited),
          ...allocator,
          // With a bundle goes what was compiled of it.
          NODE_COMPILE_CACHE: this.#bundler ? join(dirname(script), 'compiled') : this.#caches.compiled,
          ...told.env,
          ...once,
        },
      },
      output,
    )
  }

  #launchPostgres(process: TopologyProcess, name: string, output: Output): Promise<Running> {
    const names = this.options.topology.processes.flatMap((other) => databaseOf(other) ?? [])
    return launchPostgres(
      {
        directory: this.#places.data(process.name),
        port: this.#ports.first(process.name, 'sql'),
        host: '127.0.0.1',
        log: join(this.#places.logs, `${name}.log`),
        databases: names.map((name) => ({ name, role: name, password: this.#installation.password(name) })),
        record: this.#places.databases,
      },
      output,
      (text) => this.note(text),
    )
  }

  #changed(instance: Instance): void {
    const running = [...this.#instances.values()].flatMap(({ pid, parts }) => {
      const identity = pid === undefined ? undefined : identify(pid)
      return identity ? [{ ...identity, instance: parts.name }] : []
    })
    this.#children.keep(running)
    this.#emit({ type: 'instance', at: new Date().toISOString(), instance: this.#view(instance) })
  }

  /** Says something to whoever follows, now or later. */
  note(text: string): void {
    const note: SupervisorEvent = { type: 'note', at: new Date().toISOString(), text }
    this.#notes.push(note)
    this.#emit(note)
  }

  #emit(event: SupervisorEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  #view(instance: Instance): InstanceView {
    const { parts, state, pid, startedAt } = instance
    return {
      name: parts.name,
      service: parts.process.name,
      kind: parts.process.kind,
      status: state.status,
      pid,
      ports: this.#ports.of(parts.name),
      restarts: state.restarts,
      startedAt: startedAt?.toISOString(),
      reason: instance.reason,
      lastExit: state.lastExit,
      memoryBudgetMb: parts.process.memoryBudgetMb,
      scalable: parts.process.scalable,
      log: logFile(this.#places.logs, parts.name),
    }
  }

  #of(service: string): Instance[] {
    return [...this.#instances.values()]
      .filter((instance) => instance.parts.process.name === service)
      .sort((a, b) => a.parts.index - b.parts.index)
  }

  #choose(target: string): Instance[] {
    const one = this.#instances.get(target)
    if (one) return [one]
    this.#process(target)
    return this.#of(target)
  }

  #process(name: string): TopologyProcess {
    const { processes } = this.options.topology
    const process = processes.find((candidate) => candidate.name === name)
    if (process) return process
    throw new SupervisorError(`there is no "${name}"; there are ${processes.map((known) => known.name).join(', ')}`)
  }
}

/** Applies an action and waits for what it promises. Whatever else happens to the instance meanwhile ends the wait too. */
async function perform(
  instance: Instance,
  action: InstanceEvent & { readonly type: Action },
  signal?: AbortSignal,
): Promise<void> {
  const pid = instance.pid
  instance.apply(action)
  switch (action.type) {
    case 'stop':
      await instance.until((state) => state.status === 'stopped' || instance.pid !== pid, signal)
      return
    case 'kill':
      await instance.until(() => pid === undefined || instance.pid !== pid, signal)
      return
    case 'start':
    case 'restart':
      await instance.until(
        (state) => state.status === 'ready' || state.status === 'stopped' || state.status === 'paused',
        signal,
      )
      return
    case 'pause':
    case 'resume':
  }
}
