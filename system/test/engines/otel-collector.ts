/** The OpenTelemetry Collector with a configuration that we ship. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePorts, installed, startEngine } from './engine.ts'

export interface TestCollector extends AsyncDisposable {
  /** Where services send spans by OTLP/HTTP. */
  readonly otlp: string
}

const configuration = join(import.meta.dirname, '..', '..', '..', 'deploy', 'otel-collector', 'outside.yaml')

/** @param env what the configuration takes of its environment, addresses of tools among it */
export async function startTestCollector(env: Readonly<Record<string, string>>): Promise<TestCollector> {
  const [port] = (await freePorts(1)) as [number]
  const engine = await startEngine({
    name: 'otelcol',
    file: installed('otelcol')!,
    args: () => ['--config', configuration],
    env: { ...env, OTLP_LISTEN: `127.0.0.1:${port}` },
    async ready() {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.destroy()
    },
  })
  return { ...engine, otlp: `http://127.0.0.1:${port}` }
}
