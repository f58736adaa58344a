/** The OpenTelemetry Collector with a configuration that we ship. */

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePorts, installed, startEngine, withoutProgram } from './engine.ts'

export interface TestCollector extends AsyncDisposable {
  /** Where services send spans by OTLP/HTTP. */
  readonly otlp: string
  /** Ends it and starts it on the same port. */
  restart(): Promise<void>
}

const folder = join(import.meta.dirname, '..', '..', '..', 'deploy', 'otel-collector')
const everyTool = ['outside-logs.yaml', 'outside-new-relic.yaml', 'outside-datadog.yaml']

/** Why no collector can be started here; false: one can. It has to have what the configuration asks for. */
export function withoutCollector(): string | false {
  const missing = withoutProgram('otelcol')
  if (missing !== false) return missing
  const components = execFileSync(installed('otelcol')!, ['components'], { encoding: 'utf8' })
  return !/file_?storage/.test(components) && 'the installed otelcol has no file_storage (docs/engines.md says how)'
}

/**
 * @param env what the configuration takes of its environment, addresses of tools among it
 * @param tools the files of those that are named
 */
export async function startTestCollector(
  env: Readonly<Record<string, string>>,
  tools: readonly string[] = everyTool,
): Promise<TestCollector> {
  const [port] = (await freePorts(1)) as [number]
  const start = () =>
    startEngine({
      name: 'otelcol',
      file: installed('otelcol')!,
      args: () => ['outside.yaml', ...tools].flatMap((file) => ['--config', join(folder, file)]),
      env: { ...env, OTLP_LISTEN: `127.0.0.1:${port}` },
      async ready() {
        const socket = connect(port, '127.0.0.1')
        await once(socket, 'connect')
        socket.destroy()
      },
    })
  let engine = await start()
  return {
    otlp: `http://127.0.0.1:${port}`,
    async restart() {
      await engine[Symbol.asyncDispose]()
      engine = await start()
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  }
}
