/** Zipkin's server, in memory. */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { answers, enginesHome, freePorts, installed, startEngine } from './engine.ts'

export interface TestZipkin extends AsyncDisposable {
  /** Where spans go and where they are asked for. */
  readonly url: string
}

const jar = (): string | undefined => globSync(join(enginesHome(), 'zipkin', 'zipkin-server-*-exec.jar')).at(-1)

/** Why there is none, or false. */
export const withoutZipkin = (): string | false =>
  (jar() === undefined || !installed('java')) && 'Zipkin is not installed (docs/engines.md says how)'

export async function startTestZipkin(): Promise<TestZipkin> {
  const [port] = (await freePorts(1)) as [number]
  const url = `http://127.0.0.1:${port}`
  const engine = await startEngine({
    name: 'zipkin',
    file: installed('java')!,
    args: () => [
      '-Xmx256m',
      '-jar',
      jar()!,
      '--armeria.ports[0].ip=127.0.0.1',
      `--armeria.ports[0].port=${port}`,
      '--armeria.ports[0].protocols[0]=http',
    ],
    env: { QUERY_PORT: String(port) },
    ready: () => answers(`${url}/health`),
    timeoutMs: 240_000,
  })
  return { ...engine, url }
}
