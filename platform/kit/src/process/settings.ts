/**
 * Properties that may change at run time. Sources, strongest first: the config service, the cache of its last valid
 * answer on disk, the defaults of the schema. A service starts from the cache when the config service is away, and
 * says so (reliability rule 12); an answer that breaks the schema changes nothing and is logged.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Environment } from '@svyaz/contracts/http/config.ts'
import { z } from 'zod'
import type { LiveSettings, SettingsOrigin, TokenSigner } from '../api.ts'
import { KeptHttp } from '../calls/kept-http.ts'
import type { Core } from '../core.ts'

export const settingsLimits = {
  requestTimeoutMs: 2_000,
  answerCharsMax: 4 * 1024 * 1024,
  /** It is asked once a minute: no connection is kept for that. */
  idleMs: 1_000,
  retryEveryMs: 500,
  /** Also without a change event: the net under a lost one. */
  refreshEveryMs: 60_000,
} as const

/** The strongest value of each name: the first source that has it. */
export const mergeSources = (environment: Environment): Record<string, unknown> =>
  Object.assign({}, ...environment.propertySources.map((source) => source.source).reverse())

/** Of each name, the first source that has it. */
const sourcesOf = (environment: Environment): Record<string, string> =>
  Object.assign(
    {},
    ...environment.propertySources
      .map(({ name, source }) => Object.fromEntries(Object.keys(source).map((property) => [property, name])))
      .reverse(),
  )

/** RFC 6901. */
const pointerTo = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

const isOk = ({ status }: { readonly status: number }): boolean => status >= 200 && status < 300

/** Faults that are kept of one refused answer. */
const faultsMax = 20
const faultCharsMax = 500

export interface SettingsClient<Settings> extends LiveSettings<Settings> {
  /** Reads again; resolves when what the config service says is applied, or it could not be asked. */
  refresh(): Promise<void>
  close(): void
}

/**
 * The service's settings: defaults, then what the config service or its copy on disk says, then every change at run
 * time.
 */
export const openSettings = async <Schema extends z.ZodObject>(
  core: Core,
  schema: Schema,
  signer: TokenSigner,
): Promise<SettingsClient<z.output<Schema>>> => {
  const settings = new OpenSettings(core, schema, signer)
  await settings.start()
  return settings
}

class OpenSettings<Schema extends z.ZodObject> implements SettingsClient<z.output<Schema>> {
  readonly #core: Core
  readonly #schema: Schema
  readonly #signer: TokenSigner
  readonly #application: string
  /** Undefined for the config service, which can't ask itself. */
  readonly #configUrl: string | undefined
  readonly #http: KeptHttp | undefined
  readonly #cacheFile: string
  readonly #listeners = new Set<(settings: Readonly<z.output<Schema>>) => void>()
  readonly #closing = new AbortController()
  #current: Readonly<z.output<Schema>>
  #origin: SettingsOrigin
  #published = false
  // One at a time. Who asks during one gets the next: the answer under way may be older than what they have heard of.
  #underWay: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(core: Core, schema: Schema, signer: TokenSigner) {
    const { environment } = core
    this.#core = core
    this.#schema = schema
    this.#signer = signer
    this.#application = environment.service
    this.#configUrl = environment.service === 'config' ? undefined : environment.configUrl
    const { answerCharsMax, idleMs } = settingsLimits
    this.#http =
      this.#configUrl === undefined
        ? undefined
        : new KeptHttp(this.#configUrl, { connectionsMax: 1, answerCharsMax, idleMs })
    this.#cacheFile = join(environment.home, 'cache', 'config', `${environment.service}.json`)
    this.#current = Object.freeze(schema.parse({}))
    this.#origin = { from: 'defaults', version: '', at: core.clock.iso(), sources: {}, refused: undefined }
  }

  /** Resolves when there are settings to work with. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.refresh(), settingsLimits.refreshEveryMs)
    this.#timer.unref()
    if (!this.#http) return
    const reason = await this.#ask(this.#http)
    if (reason === undefined) return
    const cached = await this.#recall()
    if (!cached || !this.#apply(cached, 'file')) return await this.refresh()
    this.#core.log.warn({ reason }, 'started from the cached configuration: the config service is away')
    void this.refresh()
  }

  current(): Readonly<z.output<Schema>> {
    return this.#current
  }

  origin(): SettingsOrigin {
    return this.#origin
  }

  onChange(listener: (settings: Readonly<z.output<Schema>>) => void): void {
    this.#listeners.add(listener)
  }

  async refresh(): Promise<void> {
    const http = this.#http
    if (!http) return
    this.#next ??= this.#underWay.then(() => {
      this.#next = undefined
      this.#underWay = this.#askUntilAnswered(http)
      return this.#underWay
    })
    await this.#next
  }

  close(): void {
    this.#closing.abort()
    clearInterval(this.#timer)
    this.#http?.close()
  }

  async #askUntilAnswered(http: KeptHttp): Promise<void> {
    let said = false
    while (!this.#closing.signal.aborted) {
      const reason = await this.#ask(http)
      if (reason === undefined) return
      if (!said) this.#core.log.warn({ url: this.#configUrl, reason }, 'the config service is away; asking on')
      said = true
      await this.#core.clock.delay(settingsLimits.retryEveryMs, this.#closing.signal).catch(() => undefined)
    }
  }

  /** Undefined when it was applied, else why not. */
  async #ask(http: KeptHttp): Promise<string | undefined> {
    try {
      const refusal = this.#published ? undefined : await this.#publish(http)
      if (refusal !== undefined) return refusal
      const answer = await http.send({
        method: 'GET',
        path: `/${this.#application}/${this.#core.environment.profile}`,
        headers: { authorization: await this.#authorization() },
        timeoutMs: settingsLimits.requestTimeoutMs,
      })
      if (!isOk(answer)) return `it answered ${answer.status}`
      const body = JSON.parse(answer.body) as Environment
      if (this.#apply(body, 'config service')) await this.#keep(body)
      return undefined
    } catch (error) {
      return String(error)
    }
  }

  /** Reports which settings there are, once a life. Undefined when they were taken, else why not. */
  async #publish(http: KeptHttp): Promise<string | undefined> {
    const schema = z.toJSONSchema(this.#schema, { io: 'input' })
    const answer = await http.send({
      method: 'PUT',
      path: `/schemas/${this.#application}`,
      headers: { 'content-type': 'application/json', authorization: await this.#authorization() },
      body: JSON.stringify({ schema, defaults: this.#schema.parse({}) }),
      timeoutMs: settingsLimits.requestTimeoutMs,
    })
    if (!isOk(answer)) return `the schema was refused with ${answer.status}`
    this.#published = true
    return undefined
  }

  async #authorization(): Promise<string> {
    return `Bearer ${await this.#signer.serviceToken('config')}`
  }

  /** False when it breaks the schema: then everything stays as it was. */
  #apply(answer: Environment, from: 'file' | 'config service'): boolean {
    const { log } = this.#core
    const names = Object.keys(this.#schema.shape)
    const known = Object.fromEntries(Object.entries(mergeSources(answer)).filter(([name]) => names.includes(name)))
    const parsed = this.#schema.safeParse(known)
    if (!parsed.success) {
      log.error({ from, faults: z.prettifyError(parsed.error) }, 'configuration refused: it breaks the schema')
      this.#refused(answer, from, parsed.error)
      return false
    }
    const before = this.#origin
    const isNew = before.from === 'defaults' || answer.version !== before.version
    const sources = Object.fromEntries(Object.entries(sourcesOf(answer)).filter(([name]) => names.includes(name)))
    this.#origin = {
      ...before,
      from,
      sources,
      version: answer.version,
      ...(isNew ? { at: this.#core.clock.iso() } : {}),
    }
    if (!isNew) return true
    const next = Object.freeze(parsed.data)
    const changed = JSON.stringify(next) !== JSON.stringify(this.#current)
    this.#current = next
    if (!changed) return true
    log.info({ from, version: answer.version, settings: next }, 'configuration applied')
    for (const listener of this.#listeners) listener(next)
    return true
  }

  /** The same one comes again with every question. */
  #refused({ version }: Environment, from: 'file' | 'config service', error: z.ZodError): void {
    const { refused } = this.#origin
    if (refused?.version === version && refused.from === from) return
    const faults = error.issues
      .slice(0, faultsMax)
      .map(({ path, message }) => ({ pointer: pointerTo(path), detail: message.slice(0, faultCharsMax) }))
    this.#origin = { ...this.#origin, refused: { from, version, at: this.#core.clock.iso(), faults } }
  }

  async #keep(body: Environment): Promise<void> {
    await mkdir(dirname(this.#cacheFile), { recursive: true })
    const draft = `${this.#cacheFile}.${this.#core.environment.instance}`
    await writeFile(draft, JSON.stringify(body))
    await rename(draft, this.#cacheFile)
  }

  async #recall(): Promise<Environment | undefined> {
    try {
      return JSON.parse(await readFile(this.#cacheFile, 'utf8')) as Environment
    } catch {
      return undefined
    }
  }
}
