/** What a command of the CLI is: one row that parsing, help, completion and docs/cli.md read. */
import type { ParseArgsOptionDescriptor } from 'node:util'
import type { CliConfig } from './config.ts'
import type { Terminal } from './terminal.ts'
import type { Whole } from './whole-number.ts'

export interface Flag extends ParseArgsOptionDescriptor {
  readonly about: string
  /** Placeholder of its value in the help, e.g. `<n>`. */
  readonly value?: string
  /** The whole numbers that it takes; absent on flags that aren't numbers. */
  readonly whole?: Whole
}

/** What a command gets. */
export interface Invocation {
  readonly positionals: readonly string[]
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  /** What stood behind `--`, for commands that pass it on. */
  readonly rest: readonly string[]
  readonly config: CliConfig
  readonly terminal: Terminal
}

/** What a word of a command line can be, for shell completion: a known kind of name, or fixed words. */
export type Completes = 'instances' | 'processes' | 'scales' | 'databases' | 'topics' | 'settings' | readonly string[]

export interface Command {
  readonly name: string
  readonly summary: string
  /** What follows the name, e.g. `<service>=<n> …`. */
  readonly usage: string
  /** How many positional arguments it takes. */
  readonly positionals: { readonly min: number; readonly max: number }
  /** What its positionals are, by place; the last holds for those behind it. */
  readonly completes?: readonly Completes[]
  /** Whether what follows `--` is passed on to another program. */
  readonly passesRest?: true
  readonly flags: Readonly<Record<string, Flag>>
  /** A few sentences that teach. */
  readonly about: string
  readonly examples: readonly (readonly [command: string, what: string])[]
  /** Loads the command's code and runs it. Returns the exit code. */
  readonly run: (invocation: Invocation) => Promise<number>
}
