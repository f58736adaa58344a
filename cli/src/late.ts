/** Waiting for instances with an end, and the sentence that says which are late and what they said last. */

import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import { lastLines } from '@svyaz/system/supervisor/log-reader.ts'
import type { InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import { ask } from './control-client.ts'
import { CliError } from './errors.ts'

/** Beyond any healthy start, stop or change of scale. */
const answerWithinMs = 60_000
/** Lines of each late instance's log. */
const lastWords = 5

/**
 * Asks the supervisor to do something that it answers when it is done.
 *
 * @param concerns whether an instance is one that is waited for.
 * @throws CliError naming those that aren't as they should be after the time.
 */
export async function askAndWait<T>(
  home: string,
  path: string,
  concerns: (instance: InstanceView) => boolean,
  withinMs: number = answerWithinMs,
): Promise<T> {
  const signal = AbortSignal.timeout(withinMs)
  try {
    return await ask<T>(home, 'POST', path, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    const { instances } = await ask<Instances>(home, 'GET', '/instances')
    throw new CliError(notReady(withinMs, instances.filter(concerns).filter(isLate)), { cause: error })
  }
}

/** Whether an instance that should be ready is not. */
export const isLate = ({ status }: InstanceView): boolean => status !== 'ready' && status !== 'stopped'

/** What is late, each with its last words, and what to do. */
export function notReady(
  withinMs: number,
  late: readonly InstanceView[],
  supervisor: 'goes on' | 'is stopped' = 'goes on',
): string {
  return [
    `not done after ${withinMs / 1000} s:`,
    ...late.map(({ name, status, log }) =>
      [`  ${name} is ${status}`, ...lastLines(log, lastWords).map((line) => `      ${plain(line)}`)].join('\n'),
    ),
    supervisor === 'goes on'
      ? 'The supervisor keeps trying: `npx svyaz ps` shows how far it is, `npx svyaz logs` why.'
      : 'What was started is stopped again; `npx svyaz logs` and `npx svyaz doctor` say more.',
  ].join('\n')
}

/** The message of a JSON log line, or the line as it is. */
export function plain(line: string): string {
  try {
    const { msg } = JSON.parse(line) as { msg?: unknown }
    return typeof msg === 'string' ? (msg.split('\n', 1)[0] ?? '') : line
  } catch {
    return line
  }
}
