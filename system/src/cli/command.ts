/** What a command of the CLI is: one row that parsing, help and completion read. */
import type { ParseArgsOptionDescriptor } from 'node:util'
import type { CliConfig } from './config.ts'
import type { Terminal } from './terminal.ts'

export interface Flag extends ParseArgsOptionDescriptor {
  readonly about: string
  /** Placeholder of its value in the help, e.g. `<n>`. */
  readonly value?: string
}

/** What a command gets. */
export interface Invocation {
  readonly positionals: readonly string[]
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  readonly config: CliConfig
  readonly terminal: Terminal
}

export interface Command {
  readonly name: string
  readonly summary: string
  /** What follows the name, e.g. `<service>=<n> …`. */
  readonly usage: string
  /** How many positional arguments it takes. */
  readonly positionals: { readonly min: number; readonly max: number }
  /** What positionals are, for shell completion. */
  readonly completes?: 'instances' | 'services' | readonly string[]
  readonly flags: Readonly<Record<string, Flag>>
  /** A few sentences that teach. */
  readonly about: string
  readonly examples: readonly (readonly [command: string, what: string])[]
  /** Loads the command's code and runs it. Returns the exit code. */
  readonly run: (invocation: Invocation) => Promise<number>
}
