/** `svyaz`: finds the command, parses its flags, runs it, and turns every failure into a sentence and an exit code. */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { readConfig } from './config.ts'

const config = readConfig(process.env, process.cwd())
// Before anything large is loaded: the CLI itself starts from compiled code the second time.
enableCompileCache(join(config.home, 'compile-cache'))

const { runCli } = await import('./run.ts')
process.exitCode = await runCli(process.argv.slice(2), config)
