/** Consul, a server of its own in development mode: it forgets everything when it ends. */
import { answers, type Engine, freePorts, installed, startEngine } from './engine.ts'
import { endEngine, Restartable } from './restartable.ts'

export interface TestConsul extends AsyncDisposable {
  readonly url: string
  /** `kill -9`, and a new one on the same ports. */
  restart(): Promise<void>
}

export async function startTestConsul(): Promise<TestConsul> {
  const ports = await freePorts(7)
  const [http, dns, grpc, serfLan, serfWan, server, grpcTls] = ports.map(String)
  const url = `http://127.0.0.1:${http}`
  const start = (): Promise<Engine> =>
    startEngine({
      name: 'consul',
      file: installed('consul')!,
      args: () => [
        'agent',
        '-dev',
        ...['-bind', '127.0.0.1', '-client', '127.0.0.1', '-http-port', http!, '-dns-port', dns!, '-grpc-port', grpc!],
        ...[
          '-serf-lan-port',
          serfLan!,
          '-serf-wan-port',
          serfWan!,
          '-server-port',
          server!,
          '-grpc-tls-port',
          grpcTls!,
        ],
        ...['-hcl', 'disable_update_check=true', '-log-level', 'warn'],
      ],
      ready: async () => (await answers(`${url}/v1/status/leader`)).includes(':'),
    })
  const consul = new Restartable({ name: 'consul', start, end: endEngine })
  await consul.start()
  return {
    url,
    async restart() {
      await consul.end('SIGKILL')
      await consul.start()
    },
    [Symbol.asyncDispose]: () => consul.endForGood('SIGTERM'),
  }
}
