/** What is asked for an answer that several services give together, and how it is put together. Pure. */
import type { Aggregate } from './routes.ts'

type Json = unknown

/** Segments of `path` at the holes of `pattern`, which it fits: `/orders/{id}/details` gives `id`. As they came, encoded. */
export const holesIn = (pattern: string, path: string): Readonly<Record<string, string>> => {
  const segments = path.split('/')
  const found: Record<string, string> = {}
  for (const [at, name] of pattern.split('/').entries())
    if (name.startsWith('{')) found[name.slice(1, -1)] = segments[at]!
  return found
}

/** The members that a dotted path leads to; `*` is each of a list. What isn't there is left out. */
const membersAt = (value: Json, path: readonly string[]): Json[] => {
  const [name, ...rest] = path
  if (name === undefined) return value === undefined || value === null ? [] : [value]
  if (name === '*') return Array.isArray(value) ? value.flatMap((item) => membersAt(item, rest)) : []
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return []
  return membersAt((value as Record<string, Json>)[name], rest)
}

/**
 * The paths that a template stands for: one, or one for each of several. None where the root lacks the member.
 *
 * @param own segments of the route's own path, encoded
 */
export const pathsOf = (
  template: string,
  own: Readonly<Record<string, string>>,
  root: { name: string; value: Json } | undefined,
): string[] => {
  let paths = ['']
  for (const piece of template.split(/(\{[^}]*\})/)) {
    const values = piece.startsWith('{') ? valuesOf(piece.slice(1, -1), own, root) : [piece]
    paths = paths.flatMap((path) => values.map((value) => path + value))
  }
  return [...new Set(paths)]
}

const valuesOf = (
  hole: string,
  own: Readonly<Record<string, string>>,
  root: { name: string; value: Json } | undefined,
): string[] => {
  const mine = own[hole]
  if (mine !== undefined) return [mine]
  const [name, ...path] = hole.split('.')
  if (root === undefined || name !== root.name) return []
  return membersAt(root.value, path)
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .map((value) => encodeURIComponent(value))
}

/** What came of one path: its JSON, nothing there for this caller, or that it could not be had now. */
export type Got = { kind: 'value'; value: Json } | { kind: 'absent' } | { kind: 'away' }

type Part = Aggregate['parts'][string]

const partOf = (part: Part, paths: readonly string[], got: (path: string) => Got): { value: Json; away: boolean } => {
  const answers = paths.map(got)
  const away = answers.some(({ kind }) => kind === 'away')
  const values = answers.flatMap((answer) => (answer.kind === 'value' ? [answer.value] : []))
  if (isList(part)) return { value: values.map((value) => picked(value, part.pick)), away }
  const [value] = values
  const one = part.first === true ? (Array.isArray(value) ? value[0] : undefined) : value
  return { value: one === undefined ? null : picked(one, part.pick), away }
}

const isList = ({ path }: Part): boolean => path.includes('*')

const picked = (value: Json, names: readonly string[] | undefined): Json => {
  if (names === undefined) return value
  if (Array.isArray(value)) return value.map((item) => picked(item, names))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => names.includes(name)))
}

/** What is asked beside the root. */
export const pathsFor = (whole: Aggregate, own: Readonly<Record<string, string>>, item: Json): string[] =>
  Object.values(whole.parts).flatMap(({ path }) => pathsOf(path, own, { name: whole.root.name, value: item }))

/** One item with its parts; `incomplete` names those that are away. A part that is away is null, or what came of a list. */
export const putTogether = (
  whole: Aggregate,
  own: Readonly<Record<string, string>>,
  item: Json,
  got: (path: string) => Got,
): Record<string, Json> & { incomplete: readonly string[] } => {
  const answer: Record<string, Json> = { [whole.root.name]: item }
  const incomplete: string[] = []
  for (const [name, part] of Object.entries(whole.parts)) {
    const { value, away } = partOf(part, pathsOf(part.path, own, { name: whole.root.name, value: item }), got)
    answer[name] = value
    if (away) incomplete.push(name)
  }
  return { ...answer, incomplete }
}

/** `Link` of the root's page, as one of this path: a page after it is put together too. */
export const linkAt = (link: string, rootPath: string, path: string): string =>
  link.replaceAll(`<${rootPath}?`, `<${path}?`)
