/** What the CLI takes from its environment. */
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { embedded } from '@svyaz/system/engines/addresses.ts'

export interface CliConfig {
  /** Absolute SVYAZ_HOME. */
  readonly home: string
  /** The checkout. */
  readonly root: string
  readonly debug: boolean
  readonly noColor: boolean
  /** Variables passed on to every process of the system. */
  readonly passed: Readonly<Record<string, string>>
  /** What children inherit. */
  readonly environment: NodeJS.ProcessEnv
}

/** Variables of the user's that reach every process as they are; `embedded` is a word to `up --engines` and no address. */
const passedOn = [
  'SVYAZ_CRASH_POINTS',
  'SVYAZ_LOG_LEVEL',
  'SVYAZ_OTLP_URL',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'SVYAZ_ZIPKIN_URL',
  'SVYAZ_TRACE_SAMPLE_RATIO',
  'SVYAZ_RELAY_CONFIG',
]

/** What the command reads from its environment. The only place that does. */
export function readConfig(env: NodeJS.ProcessEnv, workingDirectory: string): CliConfig {
  const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
  return {
    home: env.SVYAZ_HOME ? resolve(workingDirectory, env.SVYAZ_HOME) : resolve(root, '.svyaz'),
    root,
    debug: env.SVYAZ_DEBUG === '1',
    // https://no-color.org: any value that isn't empty.
    noColor: Boolean(env.NO_COLOR) || env.TERM === 'dumb',
    passed: Object.fromEntries(
      passedOn.flatMap((name) => (env[name] && env[name] !== embedded ? [[name, env[name]]] : [])),
    ),
    environment: env,
  }
}
