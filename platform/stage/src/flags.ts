/** One command line flag as data: help, default and limits in one place. A default of null: none is needed. */
export type Flag =
  | {
      readonly kind: 'integer'
      readonly about: string
      readonly default: number | null
      readonly min: number
      readonly max: number
    }
  | { readonly kind: 'text'; readonly about: string; readonly default: string | null }
  | {
      readonly kind: 'list'
      readonly about: string
      readonly default: readonly string[]
      /** What each of them has to be: its form, and a word for it. */
      readonly each?: { readonly form: RegExp; readonly what: string }
    }
  | { readonly kind: 'switch'; readonly about: string; readonly default: false }

export type FlagTable = { readonly [name: string]: Flag }

type Widened<F extends Flag> = F['kind'] extends 'integer'
  ? number | Extract<F['default'], null>
  : F['kind'] extends 'text'
    ? string | Extract<F['default'], null>
    : F['kind'] extends 'list'
      ? readonly string[]
      : boolean

export type FlagValues<T extends FlagTable> = { readonly [N in keyof T]: Widened<T[N]> }

/** A flag that takes a TCP port; 0 is any free one. */
export const portFlag = (about: string, port: number) =>
  ({ kind: 'integer', about, default: port, min: 0, max: 65_535 }) as const

/**
 * Reads `--name value`, `--name=value` and switches. Names every fault at once, so that one start is enough to
 * correct a command line.
 * @returns values with defaults filled in, and the faults (empty when the values may be used)
 */
export function parseFlags<const T extends FlagTable>(
  table: T,
  argv: readonly string[],
): { values: FlagValues<T>; faults: string[] } {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  const given = new Set<string>()
  for (const [name, flag] of Object.entries(table)) values[name] = flag.default
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? ''
    if (!argument.startsWith('--')) {
      faults.push(`unexpected argument ${JSON.stringify(argument)}`)
      continue
    }
    const equals = argument.indexOf('=')
    const name = equals < 0 ? argument.slice(2) : argument.slice(2, equals)
    const flag = Object.hasOwn(table, name) ? table[name] : undefined
    let text = equals < 0 ? undefined : argument.slice(equals + 1)
    if (flag?.kind === 'switch') {
      if (text !== undefined) faults.push(`--${name} takes no value`)
      values[name] = true
      continue
    }
    // A flag that follows is never meant as a value.
    if (text === undefined && argv[at + 1]?.startsWith('--') === false) {
      at += 1
      text = argv[at]
    }
    if (flag === undefined) {
      faults.push(`unknown flag --${name}`)
      continue
    }
    if (given.has(name) && flag.kind !== 'list') faults.push(`--${name} is given twice`)
    given.add(name)
    const fault = text === undefined || text === '' ? 'needs a value' : faultOf(flag, text)
    if (fault !== undefined) faults.push(`--${name} ${fault}`)
    else values[name] = taken(flag, text!, values[name])
  }
  return { values: values as FlagValues<T>, faults }
}

type ValueFlag = Exclude<Flag, { kind: 'switch' }>

function faultOf(flag: ValueFlag, text: string): string | undefined {
  if (flag.kind === 'list' && flag.each?.form.test(text) === false)
    return `must be ${flag.each.what}, not ${JSON.stringify(text)}`
  if (flag.kind !== 'integer') return undefined
  if (/^\d{1,15}$/.test(text) && Number(text) >= flag.min && Number(text) <= flag.max) return undefined
  return `must be a whole number from ${flag.min} to ${flag.max}, not ${JSON.stringify(text)}`
}

function taken(flag: ValueFlag, text: string, before: unknown): unknown {
  if (flag.kind === 'list') return [...(before as readonly string[]), text]
  return flag.kind === 'integer' ? Number(text) : text
}

/** The text behind `--help`. */
export function helpText(command: string, about: string, table: FlagTable): string {
  const rows = Object.entries(table).map(([name, flag]) => {
    const usage = flag.kind === 'switch' ? `--${name}` : `--${name} <${flag.kind === 'integer' ? 'number' : 'text'}>`
    const stated = (flag.kind === 'integer' || flag.kind === 'text') && flag.default !== null
    const fallback = stated ? ` (default ${flag.default})` : ''
    return `  ${usage.padEnd(26)}${flag.about}${fallback}`
  })
  return `${command}: ${about}\n\n${rows.join('\n')}\n`
}
