/** Prometheus with the configuration that is shipped, its addresses and intervals put in. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { consulList } from './consul-list.ts'
import { answers, freePorts, installed, startEngine } from './engine.ts'

export interface TestPrometheus extends AsyncDisposable {
  /** How it finds its targets: by Consul itself, or by a list made of Consul's answers. */
  readonly discovery: 'consul_sd' | 'http_sd'
  /** The result of an instant query. */
  query(expression: string): Promise<readonly { metric: Record<string, string>; value: [number, string] }[]>
  get<T>(path: string): Promise<T>
}

const folder = join(import.meta.dirname, '../../../deploy/prometheus')

/**
 * @param consulUrl where it finds its targets
 * @param alertmanager `host:port` of whom it tells; default: nobody
 */
export async function startTestPrometheus(consulUrl: string, alertmanager?: string): Promise<TestPrometheus> {
  await using starting = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-prometheus-config-'))
  starting.defer(() => rmSync(directory, { recursive: true, force: true }))
  const [port] = await freePorts(1)
  const address = `127.0.0.1:${port}`
  const shipped = readFileSync(join(folder, 'prometheus.yml'), 'utf8')
    .replaceAll('15s', '1s')
    .replace('consul:8500', new URL(consulUrl).host)
    .replace('localhost:9090', address)
    .replace('alertmanager:9093', alertmanager ?? 'alertmanager:9093')
  writeFileSync(join(directory, 'rules.yml'), readFileSync(join(folder, 'rules.yml'), 'utf8').replaceAll('15s', '1s'))

  const start = (configuration: string) => {
    const path = join(directory, 'prometheus.yml')
    writeFileSync(path, configuration)
    return startEngine({
      name: 'prometheus',
      file: installed('prometheus')!,
      args: (data) => [
        `--config.file=${path}`,
        `--storage.tsdb.path=${data}/tsdb`,
        `--web.listen-address=${address}`,
        '--log.level=warn',
      ],
      ready: () => answers(`http://${address}/-/ready`),
    })
  }
  let discovery: TestPrometheus['discovery'] = 'consul_sd'
  try {
    starting.use(await start(shipped))
  } catch (error) {
    if (!/consul_sd_configs not found/.test(String(error))) throw error
    const list = starting.use(await consulList(consulUrl))
    discovery = 'http_sd'
    starting.use(
      await start(
        shipped.replace(/consul_sd_configs:\n\s+- server: .*\n/, `http_sd_configs:\n      - url: ${list.url}\n`),
      ),
    )
  }
  const running = starting.move()
  const get = async <T>(path: string): Promise<T> =>
    (JSON.parse(await answers(`http://${address}${path}`)) as { data: T }).data
  return {
    discovery,
    get,
    async query(expression) {
      const data = await get<{ result: Awaited<ReturnType<TestPrometheus['query']>> }>(
        `/api/v1/query?query=${encodeURIComponent(expression)}`,
      )
      return data.result
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
