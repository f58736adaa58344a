/** A command of the CLI as a function: what it would print as JSON is what comes back. */
import type { Invocation } from '../command.ts'
import type { Terminal } from '../terminal.ts'
import type { Place } from './tool.ts'

interface Outcome {
  /** Each object that it printed. */
  readonly values: readonly unknown[]
  readonly exitCode: number
}

/**
 * Runs a command with `--json`. Nothing reaches standard output, which is the protocol's.
 * @throws what the command throws: a sentence for who asked
 */
export async function runCommand(
  command: (invocation: Invocation) => Promise<number>,
  { config }: Place,
  positionals: readonly string[] = [],
  flags: Invocation['flags'] = {},
): Promise<Outcome> {
  const values: unknown[] = []
  const terminal: Terminal = {
    live: false,
    columns: 80,
    print: () => {},
    complain: () => {},
    json: (value) => values.push(value),
    paint: (_style, text) => text,
    redraw: () => {},
  }
  const exitCode = await command({ positionals, flags: { ...flags, json: true }, rest: [], config, terminal })
  return { values, exitCode }
}
