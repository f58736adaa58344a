/**
 * The server behind the page (R2.11: browser ↔ this ↔ gateway). Read from the top: what it holds together, then what
 * may be asked (routes.ts), then how a request is judged (edge.ts, guard.ts).
 */
import { close, createListener, type Log, listen, Problem } from '@svyaz/stage'
import { type DemoUser, demoUsers, type LiveMessage } from '../../protocol.ts'
import { ActivityLog } from './activity.ts'
import { Assignment, type AssignmentOptions } from './assignment.ts'
import { BackChannel } from './back-channel.ts'
import { Broker } from './broker.ts'
import { Discovery, type DiscoveryPlace } from './discovery.ts'
import { Edge } from './edge.ts'
import { FaultLab } from './fault-lab.ts'
import { type GatewaySession, readerSession } from './gateway-session.ts'
import { limits } from './limits.ts'
import { LiveTunnels } from './live-tunnels.ts'
import { Operators } from './operators.ts'
import { filesOf, type PageFiles, pageFiles } from './page-files.ts'
import { Pages } from './pages.ts'
import { Person } from './person.ts'
import { ProcessPast } from './process-past.ts'
import { Relay } from './relay.ts'
import { createSessions } from './sessions.ts'
import { SignIn } from './sign-in.ts'
import { Supervisor } from './supervisor.ts'
import { Tracker } from './tracker.ts'

export interface ConsoleOptions {
  readonly host?: string
  /** 0 takes a free port. */
  readonly port?: number
  /** Host names, beside the loopback ones, under which the page may be opened. */
  readonly allowedHosts?: readonly string[]
  /** Where the demo users' passwords lie. */
  readonly directory: string
  /** Where built pages lie. */
  readonly pageCache: string
  /** A page that was built beforehand, where there are no sources to build it from. */
  readonly page?: string
  /** http://host:port */
  readonly gateway: string
  readonly telemetry?: string
  /** http://host:port of MC1; without it there is no relay loop to watch. */
  readonly relay?: string
  /** Ours, or Consul; without it there are no registrations to look at. */
  readonly discovery?: DiscoveryPlace
  /** http://host:port of the mail sink; without it there are no mails to look at. */
  readonly mails?: string
  /** `host:port` of some brokers; without any there are no topics to look into. */
  readonly brokers?: readonly string[]
  /** Path of the certificate that the gateway's port with TLS is trusted by. */
  readonly authority?: string
  /** A program that carries out experiments (lab/checker/experiment), and the folder of the installation that it breaks. */
  readonly faultLab?: { readonly program: string; readonly home: string }
  /** The command line that proves rows of the assignment, and the folder of the installation that it judges. */
  readonly assignment?: Pick<AssignmentOptions, 'program' | 'home' | 'environment'>
  /** Path of the supervisor's control socket; without it there is nothing to kill. */
  readonly controlSocket?: string
  /** Who may read everybody's orders; without it the page shows those of its two people alone. */
  readonly reader?: { readonly email: string; readonly password: string }
  /** As browsers reach it; default: at its port. */
  readonly publicUrl?: string
  /** Another identity provider than the gateway's own. */
  readonly issuer?: string
  /** Whether kills, pauses and the like need somebody who has signed in with the role. */
  readonly signInRequired?: boolean
  readonly log?: Log
}

export type Console = AsyncDisposable & { readonly port: number; readonly url: string }

/** Opens the port at once; the page, the users and the supervisor come as they can. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const running = new RunningConsole(options)
  await running.open()
  return running
}

const eachUser = <T>(of: (user: DemoUser) => T): Record<DemoUser, T> =>
  Object.fromEntries(demoUsers.map((user) => [user, of(user)])) as Record<DemoUser, T>

class RunningConsole implements Console {
  port = 0
  readonly #options: ConsoleOptions
  readonly #log: Log
  readonly #ending = new AbortController()
  readonly #pages: Pages
  readonly #supervisor: Supervisor
  readonly #past: ProcessPast
  readonly #people: Readonly<Record<DemoUser, Person>>
  readonly #tracker: Tracker
  readonly #relay: Relay
  readonly #activity: ActivityLog
  readonly #tunnels: LiveTunnels
  readonly #broker: Broker
  readonly #faultLab: FaultLab
  readonly #assignment: Assignment
  readonly #reader: GatewaySession | undefined
  readonly #edge: Edge
  readonly #server: ReturnType<typeof createListener>
  #memory: Record<string, number> = {}
  #sampling: NodeJS.Timeout | undefined
  #running: Promise<unknown>[] = []

  constructor(options: ConsoleOptions) {
    const { gateway, telemetry, allowedHosts = [], log = () => {} } = options
    this.#options = options
    this.#log = log
    this.#pages = new Pages({
      snapshot: () => this.#snapshot(),
      watch: (orderId) => this.#tracker.watch(orderId),
      look: () => this.#relay.look(),
    })
    const pages = this.#pages
    this.#activity = new ActivityLog(options.directory, (entry) => pages.say({ type: 'activity', entry }))
    this.#past = new ProcessPast(options.directory, Date.now)
    this.#supervisor = followedBy(pages, this.#past, options.controlSocket)
    this.#people = eachUser((user) => this.#person(user))
    this.#reader = options.reader === undefined ? undefined : readerSession(gateway, options.reader)
    this.#tracker = new Tracker({
      people: this.#people,
      reader: this.#reader,
      gateway,
      telemetry,
      log,
      watched: (orderId) => pages.watched(orderId),
      order: (order) => pages.say({ type: 'order', order }),
      products: (products) => pages.say({ type: 'products', products }),
    })
    this.#relay = new Relay({
      url: options.relay,
      watched: () => pages.looksAt('relay'),
      changed: (relay) => pages.say({ type: 'relay', relay }),
    })
    this.#tunnels = new LiveTunnels(telemetry)
    this.#broker = new Broker(options.brokers ?? [], log)
    this.#faultLab = new FaultLab(options.faultLab ?? { program: undefined, home: '' })
    const none = { program: undefined, home: '', environment: {} }
    this.#assignment = new Assignment({ ...(options.assignment ?? none), directory: options.directory })
    this.#edge = new Edge(this.#parts(), allowedHosts)
    this.#server = createListener(log, (...call) => this.#edge.answer(...call), { allowedHosts, connections: limits })
    this.#server.on('upgrade', (...call) => this.#edge.upgrade(...call))
  }

  get url(): string {
    return `http://${this.#options.host ?? '127.0.0.1'}:${this.port}`
  }

  async open(): Promise<void> {
    const { port = 0, host = '127.0.0.1' } = this.#options
    this.port = await listen(this.#server, port, host)
    this.#sampling = setInterval(() => {
      if (this.#pages.size > 0) void this.#sampleMemory()
    }, limits.memoryEveryMs)
    this.#sampling.unref()
    const { signal } = this.#ending
    this.#running = [
      this.#supervisor.run(signal, (error) =>
        this.#log('warn', 'the supervisor does not answer', { error: String(error) }),
      ),
      ...Object.values(this.#people).map((person) => person.run(signal)),
      this.#relay.run(signal),
      this.#findPage(signal),
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the console ends'))
    clearInterval(this.#sampling)
    this.#pages.close()
    this.#tunnels.close()
    await this.#broker[Symbol.asyncDispose]()
    this.#faultLab[Symbol.dispose]()
    this.#assignment[Symbol.dispose]()
    this.#tracker.close()
    await close(this.#server, 500)
    await Promise.allSettled(this.#running)
  }

  /** What the routes work with. */
  #parts() {
    const { gateway, publicUrl, issuer, signInRequired = false } = this.#options
    const signIn = new SignIn({
      gateway,
      publicUrl: () => publicUrl ?? this.url,
      secure: publicUrl?.startsWith('https:') === true,
      ...(issuer === undefined ? {} : { issuer }),
    })
    return {
      log: this.#log,
      sessions: createSessions(() => performance.now(), { secure: signIn.isSecure }),
      signIn,
      operators: new Operators(signIn, { required: signInRequired }),
      backChannel: new BackChannel(signIn),
      supervisor: this.#supervisor,
      past: this.#past,
      tracker: this.#tracker,
      relay: this.#relay,
      pages: this.#pages,
      activity: this.#activity,
      telemetry: this.#options.telemetry,
      tunnels: this.#tunnels,
      broker: this.#broker,
      discovery: this.#options.discovery && new Discovery(this.#options.discovery, this.#log),
      mails: this.#options.mails,
      authority: this.#options.authority,
      faultLab: this.#faultLab,
      assignment: this.#assignment,
      gateway,
      reader: this.#reader,
      counts: { requests: 0, refused: 0, orders: 0, actions: 0 },
      ending: this.#ending.signal,
      person: (name: string): Person => {
        const user = demoUsers.find((known) => known === name)
        if (user === undefined) throw new Problem(404, 'not_found', 'there is no such user here')
        return this.#people[user]
      },
    }
  }

  #person(user: DemoUser): Person {
    const { gateway, directory } = this.#options
    return new Person({
      user,
      gateway,
      directory,
      log: this.#log,
      changed: () => {
        const { state, feed } = this.#people[user]
        this.#pages.say({ type: 'user', user, state, feed })
        if (state === 'ready') void this.#tracker.begin(user)
      },
      notified: (notification) => {
        this.#pages.say({ type: 'notification', user, notification })
        if (notification.orderId !== undefined) this.#tracker.heardOf(user, notification.orderId)
      },
    })
  }

  #snapshot(): LiveMessage {
    void this.#sampleMemory()
    return {
      type: 'snapshot',
      now: new Date().toISOString(),
      supervised: this.#supervisor.supervised,
      processes: this.#supervisor.instances.processes(),
      outages: this.#supervisor.instances.outages,
      aways: this.#supervisor.instances.aways,
      memory: this.#memory,
      users: eachUser((user) => ({ state: this.#people[user].state, feed: this.#people[user].feed })),
      products: this.#tracker.products(),
      orders: this.#tracker.orders(),
      notifications: eachUser((user) => this.#people[user].notifications),
      relay: this.#relay.picture(),
      activity: this.#activity.entries,
    }
  }

  async #sampleMemory(): Promise<void> {
    try {
      this.#memory = await this.#supervisor.memory()
      this.#pages.say({ type: 'memory', memory: this.#memory })
    } catch {
      // The next sample says it.
    }
  }

  async #findPage(signal: AbortSignal): Promise<void> {
    const { page, pageCache } = this.#options
    try {
      const files: PageFiles = page === undefined ? await pageFiles(pageCache, signal) : await filesOf(page)
      this.#edge.page = files
    } catch (error) {
      if (signal.aborted) return
      this.#edge.page = error as Error
      this.#log('error', 'the page can not be shown', { error: (error as Error).message })
    }
  }
}

/** The supervisor, each of whose changes is said to every page, and kept for a while. */
const followedBy = (pages: Pages, past: ProcessPast, controlSocket: string | undefined): Supervisor =>
  new Supervisor(controlSocket, {
    process: (process) => {
      past.saw(process)
      pages.say({ type: 'process', process })
    },
    removed: (name) => {
      past.removed(name)
      pages.say({ type: 'process-removed', name })
    },
    outage: (outage) => pages.say({ type: 'outage', outage }),
    away: (away) => pages.say({ type: 'away', away }),
    supervised: (supervised) => pages.say({ type: 'supervised', supervised }),
  })
