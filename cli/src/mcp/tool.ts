/** What a tool of the MCP server is: a row that the server, its tests and docs/mcp.md read. */
import type { z } from 'zod'
import type { CliConfig } from '../config.ts'

/** What a tool works with. */
export interface Place {
  readonly config: CliConfig
  /** Aborted when the caller no longer wants the answer, or the time is over. */
  readonly signal: AbortSignal
}

/** Lists in it begin with what matters most: they are cut at their end. */
export type Answer = Readonly<Record<string, unknown>>

export interface Tool {
  readonly name: string
  readonly title: string
  /** When to use it, what comes back, what to ask next: read by a program that chooses among tools. */
  readonly description: string
  readonly input: z.ZodObject
  /** Offered with --allow-changes alone. */
  readonly changes?: true
  /** What to do next when it refuses, as a sentence. */
  readonly hint?: string
  /** Milliseconds until it is given up; absent: the server's. */
  readonly withinMs?: number
  // biome-ignore lint/suspicious/noExplicitAny: each has its own arguments; `tool` holds them to its schema
  readonly run: (asked: any, place: Place) => Promise<Answer>
}

/** Holds the function of a tool to its schema. */
export const tool = <Input extends z.ZodObject>(
  row: Omit<Tool, 'input' | 'run'> & {
    readonly input: Input
    readonly run: (asked: z.output<Input>, place: Place) => Promise<Answer>
  },
): Tool => row
