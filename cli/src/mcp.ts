/** `svyaz mcp`: what the console shows, for programs that speak the Model Context Protocol, over standard input and output. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Invocation } from './command.ts'
import { exitCodes } from './errors.ts'
import { createServer } from './mcp/server.ts'
import { untilInterrupted } from './until-interrupted.ts'

/**
 * Serves until the other side closes the pipe, or a signal comes. Standard output is the protocol's alone.
 * @returns the exit code
 */
export async function mcp({ config, flags, terminal }: Invocation): Promise<number> {
  const { serveStdio } = await import('@modelcontextprotocol/server/stdio')
  const { version } = JSON.parse(readFileSync(join(config.root, 'package.json'), 'utf8')) as { version: string }
  const allowChanges = flags['allow-changes'] === true
  if (process.stdin.isTTY) {
    terminal.complain('This speaks the Model Context Protocol: a program starts it (docs/mcp.md). Ctrl-C ends it.')
  }
  const serving = serveStdio(() => createServer({ config, version, allowChanges }), {
    onerror: (error) => terminal.complain(`svyaz mcp: ${error.message}`),
  })
  const interrupted = untilInterrupted()
  await Promise.race([once(process.stdin, 'end'), once(process.stdin, 'close'), once(interrupted, 'abort')])
  await serving.close()
  process.stdin.destroy()
  return exitCodes.ok
}
