/** One command line flag as data: help, default and limits in one place. */
export type Flag =
  | {
      readonly kind: 'integer'
      readonly about: string
      readonly default: number
      readonly min: number
      readonly max: number
    }
  | { readonly kind: 'text'; readonly about: string; readonly default: string }
  | { readonly kind: 'list'; readonly about: string; readonly default: readonly string[] }
  | { readonly kind: 'switch'; readonly about: string; readonly default: false }

export type FlagTable = { readonly [name: string]: Flag }

type Widened<F extends Flag> = F['kind'] extends 'integer'
  ? number
  : F['kind'] extends 'text'
    ? string
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
    if (flag === undefined) {
      faults.push(`unknown flag --${name}`)
      if (equals < 0 && argv[at + 1]?.startsWith('--') === false) at += 1
      continue
    }
    if (flag.kind === 'switch') {
      if (equals >= 0) faults.push(`--${name} takes no value`)
      values[name] = true
      continue
    }
    let text = equals < 0 ? undefined : argument.slice(equals + 1)
    if (equals < 0 && argv[at + 1]?.startsWith('--') === false) {
      at += 1
      text = argv[at]
    }
    if (text === undefined || text === '') faults.push(`--${name} needs a value`)
    else if (flag.kind === 'text') values[name] = text
    else if (flag.kind === 'list') values[name] = [...(values[name] as string[]), text]
    else if (!/^\d{1,15}$/.test(text) || Number(text) < flag.min || Number(text) > flag.max)
      faults.push(`--${name} must be a whole number from ${flag.min} to ${flag.max}, not ${JSON.stringify(text)}`)
    else values[name] = Number(text)
  }
  return { values: values as FlagValues<T>, faults }
}

/** The text behind `--help`. */
export function helpText(command: string, about: string, table: FlagTable): string {
  const rows = Object.entries(table).map(([name, flag]) => {
    const usage = flag.kind === 'switch' ? `--${name}` : `--${name} <${flag.kind === 'integer' ? 'number' : 'text'}>`
    const fallback = flag.kind === 'integer' || flag.kind === 'text' ? ` (default ${flag.default})` : ''
    return `  ${usage.padEnd(26)}${flag.about}${fallback}`
  })
  return `${command}: ${about}\n\n${rows.join('\n')}\n`
}
