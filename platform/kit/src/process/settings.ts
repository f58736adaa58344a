/**
 * Properties that may change at run time. Sources, strongest first: the config service, the cache of its last valid
 * answer on disk, the defaults of the schema. A service starts from the cache when the config service is away, and
 * says so (reliability rule 12); an answer that breaks the schema changes nothing and is logged.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '@svyaz/contracts/http/config.ts'
import { z } from 'zod'
import type { LiveSettings, TokenSigner } from '../api.ts'
import type { Core } from '../core.ts'

export const settingsLimits = {
  requestTimeoutMs: 2_000,
  retryEveryMs: 500,
  /** Also without a change event: the net under a lost one. */
  refreshEveryMs: 60_000,
} as const

/** The strongest value of each name: the first source that has it. */
export const mergeSources = (environment: Environment): Record<string, unknown> =>
  Object.assign({}, ...environment.propertySources.map((source) => source.source).reverse())

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
  const { environment, log } = core
  const application = environment.service
  // The config service can't ask itself.
  const configUrl = application === 'config' ? undefined : environment.configUrl
  const cacheFile = join(environment.home, 'cache', 'config', `${application}.json`)
  const listeners = new Set<(settings: Readonly<z.output<Schema>>) => void>()
  let current = Object.freeze(schema.parse({}))
  let version = ''
  let published = false

  const apply = (answer: Environment, from: string): boolean => {
    const names = Object.keys(schema.shape)
    const known = Object.fromEntries(Object.entries(mergeSources(answer)).filter(([name]) => names.includes(name)))
    const parsed = schema.safeParse(known)
    if (!parsed.success) {
      log.error({ from, faults: z.prettifyError(parsed.error) }, 'configuration refused: it breaks the schema')
      return false
    }
    if (answer.version === version) return true
    version = answer.version
    const next = Object.freeze(parsed.data)
    const changed = JSON.stringify(next) !== JSON.stringify(current)
    current = next
    if (!changed) return true
    log.info({ from, version, settings: current }, 'configuration applied')
    for (const listener of listeners) listener(current)
    return true
  }

  /** Undefined when it was applied, else why not. */
  const ask = async (url: string): Promise<string | undefined> => {
    try {
      const timeout = () => AbortSignal.timeout(settingsLimits.requestTimeoutMs)
      if (!published) {
        const answer = await fetch(new URL(`/schemas/${application}`, url), {
          method: 'PUT',
          headers: {
            'content-type': 'application/json',
            authorization: `Bearer ${await signer.serviceToken('config')}`,
          },
          body: JSON.stringify({ schema: z.toJSONSchema(schema, { io: 'input' }), defaults: schema.parse({}) }),
          signal: timeout(),
        })
        await answer.arrayBuffer()
        if (!answer.ok) return `the schema was refused with ${answer.status}`
        published = true
      }
      const answer = await fetch(new URL(`/${application}/${environment.profile}`, url), {
        headers: { authorization: `Bearer ${await signer.serviceToken('config')}` },
        signal: timeout(),
      })
      if (!answer.ok) {
        await answer.arrayBuffer()
        return `it answered ${answer.status}`
      }
      const body = (await answer.json()) as Environment
      if (apply(body, 'config service')) await keep(body)
      return undefined
    } catch (error) {
      return String((error as Error).cause ?? error)
    }
  }
  const keep = async (body: Environment): Promise<void> => {
    await mkdir(join(cacheFile, '..'), { recursive: true })
    const draft = `${cacheFile}.${environment.instance}`
    await writeFile(draft, JSON.stringify(body))
    await rename(draft, cacheFile)
  }

  const closing = new AbortController()
  const askUntilAnswered = async (url: string): Promise<void> => {
    let said = false
    while (!closing.signal.aborted) {
      const reason = await ask(url)
      if (reason === undefined) return
      if (!said) log.warn({ url, reason }, 'the config service is away; asking on')
      said = true
      await core.clock.delay(settingsLimits.retryEveryMs, closing.signal).catch(() => undefined)
    }
  }
  // One at a time. Who asks during one gets the next: the answer under way may be older than what they have heard of.
  let underWay: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const refresh = async (): Promise<void> => {
    if (!configUrl) return
    next ??= underWay.then(() => {
      next = undefined
      underWay = askUntilAnswered(configUrl)
      return underWay
    })
    await next
  }

  if (configUrl) {
    const reason = await ask(configUrl)
    if (reason !== undefined) {
      const cached = await readFile(cacheFile, 'utf8').then(
        (text) => JSON.parse(text) as Environment,
        () => undefined,
      )
      if (cached && apply(cached, 'cache')) {
        log.warn({ reason }, 'started from the cached configuration: the config service is away')
        void refresh()
      } else await refresh()
    }
  }
  const timer = setInterval(() => void refresh(), settingsLimits.refreshEveryMs)
  timer.unref()
  return {
    current: () => current,
    onChange: (listener) => void listeners.add(listener),
    refresh,
    close() {
      closing.abort()
      clearInterval(timer)
    },
  }
}
