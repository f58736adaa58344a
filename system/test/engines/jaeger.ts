/** Jaeger all-in-one, in memory. */
import { answers, freePorts, installed, startEngine } from './engine.ts'

export interface TestJaeger extends AsyncDisposable {
  /** Where spans go: OTLP over HTTP. */
  readonly otlp: string
  /** Where traces are asked for. */
  readonly query: string
}

export async function startTestJaeger(): Promise<TestJaeger> {
  const [ui, uiGrpc, otlpGrpc, otlpHttp, grpc, http, admin] = (await freePorts(7)).map((port) => `127.0.0.1:${port}`)
  const engine = await startEngine({
    name: 'jaeger',
    file: installed('jaeger-all-in-one')!,
    args: () => [
      `--query.http-server.host-port=${ui}`,
      `--query.grpc-server.host-port=${uiGrpc}`,
      `--collector.otlp.grpc.host-port=${otlpGrpc}`,
      `--collector.otlp.http.host-port=${otlpHttp}`,
      `--collector.grpc-server.host-port=${grpc}`,
      `--collector.http-server.host-port=${http}`,
      `--admin.http.host-port=${admin}`,
    ],
    ready: () => answers(`http://${admin}/`),
  })
  return { ...engine, otlp: `http://${otlpHttp}`, query: `http://${ui}` }
}
