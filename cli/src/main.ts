/** `svyaz`: finds the command, parses its flags, runs it, and turns every failure into a sentence and an exit code. */
import { enableCompileCache } from 'node:module'
import { cachesOf } from '@svyaz/system/bundler/caches.ts'
import { placesIn } from '@svyaz/system/supervisor/places.ts'
import { readConfig } from './config.ts'

const config = readConfig(process.env, process.cwd())
// Before anything large is loaded: the CLI itself starts from compiled code the second time.
enableCompileCache(cachesOf(config.root, placesIn(config.home).built).compiled)

const { runCli } = await import('./run.ts')
process.exitCode = await runCli(process.argv.slice(2), config)
