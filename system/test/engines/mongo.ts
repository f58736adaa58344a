/** A server of MongoDB's protocol: the one that SVYAZ_TEST_MONGO_URL names, or an installed FerretDB. */
import { answers, type Engine, freePorts, installed, startEngine } from './engine.ts'
import { oneAtATime } from './one-at-a-time.ts'

export interface TestMongo extends AsyncDisposable {
  /** What it is, for the name of a test. */
  readonly name: string
  /** Address of a database of that name. */
  url(database: string): string
}

/** Why there is none, or false. */
export const withoutMongo = (): string | false =>
  !process.env.SVYAZ_TEST_MONGO_URL &&
  !installed('ferretdb') &&
  'no MongoDB: SVYAZ_TEST_MONGO_URL is not set and FerretDB is not installed (docs/engines.md says how)'

/** @param postgresUrl where FerretDB keeps its data; default: SQLite, which it searches from end to end for nearly everything */
export async function startTestMongo(postgresUrl?: string): Promise<TestMongo> {
  const foreign = process.env.SVYAZ_TEST_MONGO_URL
  if (foreign) {
    const at = (database: string) => Object.assign(new URL(foreign), { pathname: `/${database}` }).href
    return { name: 'MongoDB', url: at, [Symbol.asyncDispose]: async () => {} }
  }
  const { port, ...engine } = await startFerretDb(postgresUrl)
  const gate = await oneAtATime(port)
  return {
    name: 'FerretDB',
    url: (database) => `mongodb://127.0.0.1:${gate.port}/${database}`,
    async [Symbol.asyncDispose]() {
      await gate[Symbol.asyncDispose]()
      await engine[Symbol.asyncDispose]()
    },
  }
}

async function startFerretDb(postgresUrl: string | undefined): Promise<Engine & { port: number }> {
  const [port, debugPort] = (await freePorts(2)) as [number, number]
  const engine = await startEngine({
    name: 'ferretdb',
    file: installed('ferretdb')!,
    args: (directory) => [
      ...(postgresUrl === undefined
        ? ['--handler=sqlite', `--sqlite-url=file:${directory}/`]
        : ['--handler=postgresql', `--postgresql-url=${postgresUrl}`]),
      `--listen-addr=127.0.0.1:${port}`,
      `--debug-addr=127.0.0.1:${debugPort}`,
      `--state-dir=${directory}`,
      '--telemetry=disable',
      '--log-level=warn',
    ],
    ready: () => answers(`http://127.0.0.1:${debugPort}/debug/metrics`),
  })
  return { ...engine, port }
}
