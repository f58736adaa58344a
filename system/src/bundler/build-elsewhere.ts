/**
 * One build in a process of its own. In this process esbuild and what it read would stay for as long as it lives: 80 MB
 * of the supervisor after a first start (docs/decisions/0015).
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SupervisorError } from '../supervisor/errors.ts'
import type { Order, Outcome } from './order.ts'

export interface Elsewhere {
  /** How long a build may take: on a busy machine with two cores all services take 40 s. */
  readonly timeoutMs?: number
  /** Ends the build. */
  readonly signal?: AbortSignal | undefined
  /** What runs there. */
  readonly script?: string
}

const buildProcess = fileURLToPath(new URL('./build-process.ts', import.meta.url))

/** Of what it wrote before it died. */
const lastWordsChars = 2_000

/**
 * Builds in a process that ends when it is done.
 *
 * @throws SupervisorError when that process died, or wasn't done in time
 */
export async function buildElsewhere(
  order: Order,
  { timeoutMs = 300_000, signal, script = buildProcess }: Elsewhere = {},
): Promise<Outcome> {
  signal?.throwIfAborted()
  // Flags of this process, such as a test runner's, aren't for that one.
  const child = fork(script, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  const kill = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', kill)
  let late = false
  const deadline = setTimeout(() => {
    late = true
    kill()
  }, timeoutMs)
  try {
    return await outcomeOf(child, order)
  } catch (error) {
    if (late) throw new SupervisorError(`bundling was not done after ${timeoutMs / 1000} s, and was given up`)
    throw error
  } finally {
    clearTimeout(deadline)
    signal?.removeEventListener('abort', kill)
  }
}

/** Settles when the process is gone, so that no later build meets it. */
function outcomeOf(child: ChildProcess, order: Order): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
  let outcome: Outcome | undefined
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-lastWordsChars)
  })
  child.once('error', reject)
  child.once('message', (said) => {
    outcome = said as Outcome
  })
  child.once('close', (code, signal) => {
    if (outcome !== undefined) return resolve(outcome)
    const why = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
    reject(new SupervisorError(`the process that bundles ${why}${words === '' ? '' : `: ${words.trim()}`}`))
  })
  // It may be gone before it was told anything; 'close' says so.
  child.send(order, () => {})
  return promise
}
