/** The one reader of the options of benches, judges and long runs; the command's own are in its table of commands. */
import { parseArgs } from 'node:util'

/** Both ends included. */
export interface Range {
  readonly min: number
  readonly max: number
  /** A number with a fraction is fine; otherwise it is whole. */
  readonly fraction?: boolean
}

/** One option of a program. Without `takes` it is a switch. */
export interface Option {
  /** What it does; an option without it stays out of the help. */
  readonly about?: string
  /** A name for its value in the help, e.g. `n`. */
  readonly takes?: string
  readonly range?: Range
  readonly default?: string | number
  /** It may be given several times. */
  readonly many?: boolean
}

/** What a program takes, and what its help says. */
export interface Program<O extends Readonly<Record<string, Option>>> {
  /** As it is typed, e.g. `npm run bench:http --`. */
  readonly command: string
  /** What it is for, in a sentence. */
  readonly about: string
  readonly options: O
  /** What else it takes, e.g. `[round …]`. */
  readonly positionals?: { readonly usage: string; readonly about: string; readonly max: number }
  /** What follows the options: examples, exit status. */
  readonly more?: string
}

type Given<T, O extends Option> = O extends { readonly default: string | number } ? T : T | undefined
type ValueOf<O extends Option> = O extends { readonly many: true }
  ? readonly string[]
  : O extends { readonly range: Range }
    ? Given<number, O>
    : O extends { readonly takes: string }
      ? Given<string, O>
      : boolean

/** The options' values by name. */
export type Values<O extends Readonly<Record<string, Option>>> = { readonly [N in keyof O]: ValueOf<O[N]> }

/** A wrong command line; the message says what is wrong and what is right. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/**
 * Reads a command line.
 *
 * @param args without node and script
 * @returns the values and what was given besides, or `help` when that was asked for
 * @throws UsageError for an unknown option, a value out of its range or missing, too many positionals
 */
export function readProgram<const O extends Readonly<Record<string, Option>>>(
  program: Program<O>,
  args: readonly string[],
): { readonly help: true } | { readonly help: false; readonly values: Values<O>; readonly positionals: string[] } {
  const entries = Object.entries(program.options)
  const known = entries.map(([name, { takes, many }]) => [
    name,
    { type: takes === undefined ? ('boolean' as const) : ('string' as const), multiple: many === true },
  ])
  const { values: typed, positionals } = parsed(args, {
    ...Object.fromEntries(known),
    help: { type: 'boolean', multiple: false, short: 'h' },
  })
  if (typed.help) return { help: true }
  const { max } = program.positionals ?? { max: 0 }
  if (positionals.length > max)
    throw new UsageError(
      `"${positionals[max]}" is too much: ${program.command} takes ${max === 0 ? 'options alone' : program.positionals?.usage}`,
    )
  const values = entries.map(([name, option]) => [name, readValue(name, option, typed[name])])
  return { help: false, values: Object.fromEntries(values) as Values<O>, positionals }
}

/**
 * Reads this process's command line. `--help` prints the help and ends the process with 0; what is wrong is said on
 * stderr and ends it with 2.
 */
export function programOf<const O extends Readonly<Record<string, Option>>>(
  program: Program<O>,
): {
  readonly values: Values<O>
  readonly positionals: string[]
  /** Ends the process likewise, for what the table of options can't say. */
  readonly refuse: (why: string) => never
} {
  const refuse = (why: string): never => {
    process.stderr.write(`${why}\n${program.command} --help says more\n`)
    process.exit(2)
  }
  try {
    const read = readProgram(program, process.argv.slice(2))
    if (!read.help) return { values: read.values, positionals: read.positionals, refuse }
    process.stdout.write(helpOf(program))
    process.exit(0)
  } catch (error) {
    if (error instanceof UsageError) return refuse(error.message)
    throw error
  }
}

/** The option `--seed`. @param about what it decides */
export const seedOption = (about: string) =>
  ({ takes: 'n', range: { min: 0, max: 999_999_999 }, about: `${about}; drawn, and said, when left out` }) as const

/** A seed for who gave none. */
export const drawnSeed = (): number => Math.floor(Math.random() * 1e9)

/** The help of a program, from its table. */
export function helpOf({
  command,
  about,
  options,
  positionals,
  more,
}: Program<Readonly<Record<string, Option>>>): string {
  const rows = Object.entries(options).flatMap(([name, option]) =>
    option.about === undefined ? [] : [[heading(name, option), aboutOf(option)] as const],
  )
  const all = [
    ...(positionals ? [[positionals.usage, positionals.about] as const] : []),
    ...rows,
    ['--help', ''] as const,
  ]
  const width = Math.max(...all.map(([head]) => head.length)) + 2
  const table = all.map(([head, text]) => `  ${head.padEnd(width)}${text}`.trimEnd()).join('\n')
  const usage = [command, positionals?.usage, '[options]'].filter(Boolean).join(' ')
  return `${[about, `  ${usage}`, table, more].filter(Boolean).join('\n\n')}\n`
}

const heading = (name: string, { takes }: Option) => `--${name}${takes === undefined ? '' : ` <${takes}>`}`

function aboutOf({ about, range, default: absent, many }: Option): string {
  const notes = [
    ...(range ? [`${range.min} to ${range.max}`] : []),
    ...(absent === undefined ? [] : [`default ${absent}`]),
    ...(many ? ['may be given several times'] : []),
  ]
  return `${about}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`
}

function parsed(
  args: readonly string[],
  options: NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    // Node's own words go on about values that start with a dash.
    const [sentence] = (error as Error).message.split(/\n|\. To specify/)
    throw new UsageError(sentence, { cause: error })
  }
}

type Typed = string | boolean | (string | boolean)[] | undefined

function readValue(name: string, { takes, range, many, default: absent }: Option, typed: Typed): unknown {
  if (takes === undefined) return typed === true
  if (many) return typed ?? []
  if (typed === undefined) return absent
  const text = String(typed)
  return range === undefined ? text : numberOf(`--${name}`, text, range)
}

/**
 * @param what names it in the message, e.g. `--rounds`
 * @throws UsageError with the range and what was typed
 */
function numberOf(what: string, text: string, { min, max, fraction }: Range): number {
  const value = (fraction ? /^\d{1,9}(\.\d{1,9})?$/ : /^\d{1,9}$/).test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new UsageError(`${what} takes a ${fraction ? '' : 'whole '}number from ${min} to ${max}, not "${text}"`)
}
