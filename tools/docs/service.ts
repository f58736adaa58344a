/** What one service says, hears and lets be set: the middle of its README. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { routes, topics } from '../../contracts/index.ts'
import { type Access, serviceNames } from '../../contracts/vocabulary.ts'
import { grpcMethods } from './grpc.ts'
import { code, table } from './regions.ts'

const root = join(import.meta.dirname, '..', '..')

/** Routes, topics and gRPC methods of a service, for its README. */
export async function serviceContract(service: string): Promise<string> {
  return [
    routesOf(service),
    grpcOf(service),
    ...topics.filter(({ writer }) => writer === service).map((topic) => `Says on ${topicText(topic)}`),
    heardBy(service),
    await settingsOf(service),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

const topicText = ({ name, events }: (typeof topics)[number]): string =>
  `${code(name)}: ${Object.keys(events).map(code).join(', ')}.`

function routesOf(service: string): string {
  const rows = routes.filter((route) => route.service === service)
  if (rows.length === 0) return ''
  return table(
    ['route', 'what', 'who may'],
    rows.map(({ method, path, summary, access }) => [code(`${method} ${path}`), summary, accessText(access)]),
  )
}

/** Who may use an operation, in words. */
export const accessText = ({ anonymous, user, services }: Access): string =>
  [
    ...(anonymous ? ['anyone'] : []),
    ...(user === true ? ['who is signed in'] : (user ?? [])),
    ...(services ?? []).map((name) => (name === '*' ? 'any service' : `service ${name}`)),
  ].join(', ')

function grpcOf(service: string): string {
  const rows = grpcMethods().filter((method) => method.service === service)
  if (rows.length === 0) return ''
  return table(
    ['gRPC', 'kind', 'called by'],
    rows.map(({ name, kind, callers }) => [code(name), kind, callers.join(', ')]),
  )
}

function heardBy(service: string): string {
  const heard = topics
    .filter(({ readers }) => readers.includes(service) && !serviceNames.every((name) => readers.includes(name)))
    .map(({ name }) => code(name))
  return heard.length === 0 ? '' : `Hears ${heard.join(', ')}.`
}

async function settingsOf(service: string): Promise<string> {
  const file = join(root, 'services', service, 'src', 'config.ts')
  if (!existsSync(file)) return ''
  const { settings } = (await import(pathToFileURL(file).href)) as { settings: Settings }
  const schema = settings.toJSONSchema({ io: 'input' })
  const rows = Object.entries(schema.properties ?? {})
  if (rows.length === 0) return ''
  const source = readFileSync(file, 'utf8')
  return table(
    ['setting', 'default', 'from', 'to', 'what'],
    rows.map(([name, property]) => [
      code(name),
      defaultText(property.default),
      limitText(property.minimum),
      limitText(property.maximum),
      commentOn(name, source),
    ]),
  )
}

/** What the comment right before a property says; several in a row share one, which is the first's. */
const commentOn = (name: string, source: string): string => {
  const found = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*${name}:`).exec(source)?.[1] ?? ''
  return found.replace(/\s*\n\s*\*\s*/g, ' ').trim()
}

/** The zod object of a service, as far as it is asked here. */
interface Settings {
  toJSONSchema(options: { io: 'input' }): { properties?: Record<string, Property> }
}

interface Property {
  default?: unknown
  minimum?: number
  maximum?: number
}

/** A long list is read in the code. */
const defaultText = (value: unknown): string => {
  const text = JSON.stringify(value) ?? ''
  return text.length > 60 ? 'see `src/`' : code(text)
}

const limitText = (value: number | undefined): string =>
  value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER ? '' : String(value)
