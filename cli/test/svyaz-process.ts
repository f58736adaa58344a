/** `svyaz …` as a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const svyazMain = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src', 'main.ts')

export const svyazEnvironment = (home: string): NodeJS.ProcessEnv => ({
  ...process.env,
  SVYAZ_HOME: home,
  NO_COLOR: '1',
  NODE_TEST_CONTEXT: '',
})

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs to its end; `input` is its standard input. */
export async function runSvyaz(home: string, args: readonly string[], input = '', path?: string): Promise<Ran> {
  const child = spawn(process.execPath, [svyazMain, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...svyazEnvironment(home), ...(path === undefined ? {} : { PATH: path }) },
  })
  // It may end without reading.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const told = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told.err += text
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, ...told }
}
