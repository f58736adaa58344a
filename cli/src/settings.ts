/** `svyaz config`: settings that change while the system runs, through the config service's own door. */
import { isDeepStrictEqual } from 'node:util'
import type { Environment } from '@svyaz/contracts/http/config.ts'
import { within } from '@svyaz/observe/until.ts'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import { topology } from '@svyaz/system/topology'
import { type AdminSession, openSession } from './admin-session.ts'
import type { Invocation } from './command.ts'
import { ask, assertKnown, supervisorOn } from './control-client.ts'
import { exitCodes, UsageError } from './errors.ts'
import { nearest } from './nearest.ts'
import { printable } from './pretty-log.ts'
import { table } from './terminal.ts'

type Json = Environment['propertySources'][number]['source'][string]

/** How long a change may take to reach every instance: the message is there at once, the poll behind it each minute. */
const appliedWithinMs = 15_000
const appliedEveryMs = 50

/**
 * `svyaz config get|set|unset|history`.
 * @returns the exit code
 */
export async function settings(invocation: Invocation): Promise<number> {
  const [action = '', ...rest] = invocation.positionals
  const work = { get, set, unset, history }[action]
  if (!work) {
    const guess = nearest(action, ['get', 'set', 'unset', 'history'])
    throw new UsageError(
      `there is no \`svyaz config ${action}\`${guess ? `; did you mean \`svyaz config ${guess}\`?` : ''}`,
    )
  }
  const inner = { ...invocation, positionals: rest }
  assertArguments(action, rest)
  return work(await openSession(inner), inner)
}

const forms: Readonly<Record<string, { min: number; max: number; form: string }>> = {
  get: { min: 0, max: 2, form: 'get [application] [key]' },
  set: { min: 3, max: 3, form: 'set <application> <key> <value>' },
  unset: { min: 2, max: 2, form: 'unset <application> <key>' },
  history: { min: 1, max: 1, form: 'history <application>' },
}

function assertArguments(action: string, given: readonly string[]): void {
  const { min, max, form } = forms[action]!
  if (given.length < min || given.length > max) throw new UsageError(`svyaz config ${form}`)
  if (given[0] !== undefined) assertKnown('application', [given[0]], applications())
}

const applications = (): string[] =>
  topology.processes.filter((process) => process.contract === 'kit').map((process) => process.name)

const profileOf = ({ flags }: Invocation): string => (typeof flags.profile === 'string' ? flags.profile : 'embedded')

export interface Setting {
  readonly application: string
  readonly key: string
  readonly value: Json
  /** `orders/embedded`, `orders/default` or the service's own default. */
  readonly source: string
}

/** The value that holds, of each key: the first source that names it wins. */
export function effective({ name: application, propertySources }: Environment): Setting[] {
  const found = new Map<string, Setting>()
  for (const { name, source } of propertySources) {
    for (const [key, value] of Object.entries(source)) {
      const from = name.endsWith('schema defaults') ? 'default' : name
      if (!found.has(key)) found.set(key, { application, key, value, source: from })
    }
  }
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

async function read(session: AdminSession, application: string, invocation: Invocation): Promise<Setting[]> {
  return effective(await session.get<Environment>(`/admin/${application}/${profileOf(invocation)}`))
}

async function get(session: AdminSession, invocation: Invocation): Promise<number> {
  const { positionals, flags, terminal } = invocation
  const [application, key] = positionals
  const names = application === undefined ? applications() : [application]
  const all = (await Promise.all(names.map((name) => read(session, name, invocation)))).flat()
  const chosen = key === undefined ? all : all.filter((setting) => setting.key === key)
  if (key !== undefined && chosen.length === 0) throw unknownKey(application ?? '', key, all)
  if (flags.json) terminal.json({ settings: chosen })
  // One value alone is for a script: `limit=$(svyaz config get …)`.
  else if (key !== undefined) terminal.print(printable(textOf(chosen[0]!.value)))
  else {
    const head = ['APPLICATION', 'KEY', 'VALUE', 'FROM'].map((title) => terminal.paint('dim', title))
    const rows = chosen.map(({ application, key, value, source }) => [
      application,
      key,
      short(textOf(value), terminal.live ? Math.max(20, terminal.columns - 60) : 100),
      source === 'default' ? terminal.paint('dim', source) : terminal.paint('yellow', source),
    ])
    for (const line of table([head, ...rows])) terminal.print(line)
  }
  return exitCodes.ok
}

const unknownKey = (application: string, key: string, all: readonly Setting[]): UsageError => {
  const known = all.map((setting) => setting.key)
  const guess = nearest(key, known)
  return new UsageError(
    `${application} has no setting "${key}"; ${guess ? `did you mean ${guess}?` : `there are ${known.join(', ') || 'none'}`}`,
  )
}

const textOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))
const short = (text: string, max: number): string => {
  const line = printable(text)
  return line.length > max ? `${line.slice(0, max - 1)}…` : line
}

/** @throws UsageError with the key that was probably meant: every setting has a default, so that all are listed. */
async function settingNamed(session: AdminSession, application: string, key: string, invocation: Invocation) {
  const all = await read(session, application, invocation)
  const found = all.find((setting) => setting.key === key)
  if (!found) throw unknownKey(application, key, all)
  return found
}

async function set(session: AdminSession, invocation: Invocation): Promise<number> {
  const [application = '', key = '', text = ''] = invocation.positionals
  const present = await settingNamed(session, application, key, invocation)
  return change(session, invocation, application, key, readValue(text, present.value))
}

async function unset(session: AdminSession, invocation: Invocation): Promise<number> {
  const [application = '', key = ''] = invocation.positionals
  await settingNamed(session, application, key, invocation)
  return change(session, invocation, application, key, null)
}

/**
 * What was typed, as a value: text stays text where the setting holds text now; anything else is JSON when it reads as
 * JSON, so that 5000 is a number and ["a"] a list.
 */
export function readValue(text: string, present: Json | undefined): Json {
  if (typeof present === 'string') return text
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

async function change(
  session: AdminSession,
  invocation: Invocation,
  application: string,
  key: string,
  value: Json,
): Promise<number> {
  const { flags, terminal, config } = invocation
  const comment = typeof flags.comment === 'string' ? { comment: flags.comment } : {}
  const changedAtMs = performance.now()
  const answer = await session.put<Environment>(`/admin/${application}/${profileOf(invocation)}`, {
    properties: { [key]: value },
    ...comment,
  })
  const now = effective(answer).find((setting) => setting.key === key)
  if (!flags.json) terminal.print(`${application} ${key} = ${short(textOf(now?.value ?? null), 200)}  (${now?.source})`)
  // Instances of another gateway's system are not ours to ask.
  const here = flags.gateway === undefined && supervisorOn(config.home) !== undefined
  const taken = here && now && profileOf(invocation) === 'embedded' ? await whoTookIt(invocation, now, changedAtMs) : []
  if (flags.json) terminal.json({ setting: now, instances: taken })
  else {
    for (const { instance, tookMs } of taken) {
      const when =
        tookMs === undefined ? terminal.paint('yellow', 'has not taken it yet') : `took it after ${tookMs} ms`
      terminal.print(`  ${instance}  ${when}`)
    }
  }
  return taken.some(({ tookMs }) => tookMs === undefined) ? exitCodes.failed : exitCodes.ok
}

interface Taken {
  readonly instance: string
  readonly tookMs: number | undefined
}

/** Asks each running instance until it says that it works with the value. */
async function whoTookIt(
  { config }: Invocation,
  { application, key, value }: Setting,
  sinceMs: number,
): Promise<Taken[]> {
  const { instances } = await ask<Instances>(config.home, 'GET', '/instances')
  return Promise.all(
    instances
      .filter((instance) => instance.service === application && instance.status === 'ready')
      .map(async ({ name, ports }) => {
        const took = await within(
          async () => {
            const answer = await fetch(`http://127.0.0.1:${ports.management}/info`, {
              signal: AbortSignal.timeout(2_000),
            })
            const { settings } = (await answer.json()) as { settings: Record<string, Json> }
            return isDeepStrictEqual(settings[key], value)
          },
          appliedWithinMs,
          appliedEveryMs,
        )
        return { instance: name, tookMs: took ? Math.round(performance.now() - sinceMs) : undefined }
      }),
  )
}

interface Change {
  readonly name: string
  readonly value: Json
  readonly at: string
  readonly by: string
  readonly comment?: string
}

async function history(session: AdminSession, invocation: Invocation): Promise<number> {
  const { positionals, flags, terminal } = invocation
  const [application = ''] = positionals
  const changes = await session.get<Change[]>(`/admin/${application}/${profileOf(invocation)}/history`)
  if (flags.json) terminal.json({ application, profile: profileOf(invocation), changes })
  else if (changes.length === 0) terminal.print(`Nothing of ${application} was ever set in ${profileOf(invocation)}.`)
  else {
    const head = ['WHEN', 'KEY', 'VALUE', 'BY', ''].map((title) => terminal.paint('dim', title))
    const rows = changes.map(({ name, value, at, by, comment }) => [
      at.replace('T', ' ').slice(0, 19),
      name,
      value === null ? terminal.paint('dim', 'unset') : short(textOf(value), 60),
      printable(by),
      terminal.paint('dim', printable(comment ?? '')),
    ])
    for (const line of table([head, ...rows])) terminal.print(line)
  }
  return exitCodes.ok
}
