/** VictoriaLogs, which takes logs as Loki, Elasticsearch and OpenTelemetry send them, and finds them by LogsQL. */
import { answers, freePorts, installed, startEngine } from './engine.ts'

export interface TestVictoriaLogs extends AsyncDisposable {
  /** Where a collector sends logs by OTLP/HTTP; it adds `/v1/logs`. */
  readonly otlp: string
  /** Lines that a query finds, each with its fields. @throws Error with its answer when that isn't one */
  find(logsQl: string): Promise<Record<string, string>[]>
}

export async function startTestVictoriaLogs(): Promise<TestVictoriaLogs> {
  const [port] = (await freePorts(1)) as [number]
  const url = `http://127.0.0.1:${port}`
  const engine = await startEngine({
    name: 'victoria-logs',
    file: installed('victoria-logs')!,
    args: (directory) => [
      `-httpListenAddr=127.0.0.1:${port}`,
      `-storageDataPath=${directory}/data`,
      '-memory.allowedBytes=128MB',
    ],
    ready: () => answers(`${url}/health`),
  })
  return {
    ...engine,
    otlp: `${url}/insert/opentelemetry`,
    async find(logsQl) {
      const text = await answers(`${url}/select/logsql/query?query=${encodeURIComponent(logsQl)}&limit=1000`)
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, string>)
    },
  }
}
