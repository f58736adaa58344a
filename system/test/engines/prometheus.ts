/** Prometheus with a configuration of ours. */
import { answers, freePorts, installed, startEngine } from './engine.ts'

export interface TestPrometheus extends AsyncDisposable {
  readonly url: string
}

/** @param configuration path of a prometheus.yml */
export async function startTestPrometheus(configuration: string): Promise<TestPrometheus> {
  const [port] = await freePorts(1)
  const engine = await startEngine({
    name: 'prometheus',
    file: installed('prometheus')!,
    args: (directory) => [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${directory}/tsdb`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    ready: () => answers(`http://127.0.0.1:${port}/-/ready`),
  })
  return { ...engine, url: `http://127.0.0.1:${port}` }
}
