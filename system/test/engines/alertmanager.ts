/** Alertmanager with the configuration that is shipped, its mail server and its waits put in. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answers, freePorts, installed, startEngine } from './engine.ts'

export interface TestAlertmanager extends AsyncDisposable {
  /** `host:port`, as Prometheus takes it. */
  readonly address: string
}

/** Debian gives it another name. */
const program = (): string | undefined => installed('alertmanager') ?? installed('prometheus-alertmanager')

/** The reason to skip, as node:test takes it. */
export const withoutAlertmanager = (): string | false =>
  program() === undefined && 'not installed: alertmanager (docs/engines.md says how)'

const shipped = join(import.meta.dirname, '../../../deploy/alertmanager/alertmanager.yml')

/** @param smtp `host:port` of the mail server */
export async function startTestAlertmanager(smtp: string): Promise<TestAlertmanager> {
  await using starting = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'svyaz-alertmanager-config-'))
  starting.defer(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'alertmanager.yml')
  const configuration = readFileSync(shipped, 'utf8')
    .replace('mail-sink:1025', smtp)
    // How soon news of what was told before follow: a minute is for people.
    .replace('group_interval: 1m', 'group_interval: 2s')
  writeFileSync(file, configuration)
  const [port] = await freePorts(1)
  const address = `127.0.0.1:${port}`
  starting.use(
    await startEngine({
      name: 'alertmanager',
      file: program()!,
      args: (data) => [
        `--config.file=${file}`,
        `--storage.path=${data}`,
        `--web.listen-address=${address}`,
        // Alone: no port for others of its kind.
        '--cluster.listen-address=',
        '--log.level=warn',
      ],
      ready: () => answers(`http://${address}/-/ready`),
    }),
  )
  const running = starting.move()
  return { address, [Symbol.asyncDispose]: () => running.disposeAsync() }
}
