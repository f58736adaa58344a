/** A judge is a program of its own: how it is run, and what it comes to. */
import { spawn } from 'node:child_process'

export interface Verdict {
  /** The judge and what it looked at. */
  readonly judge: string
  readonly findings: readonly string[]
  /** Why it was not asked, in words for the one who reads. */
  readonly skipped?: string
}

export interface Outcome {
  /** null: ended by a signal, as by the time limit. */
  readonly status: number | null
  readonly output: string
}

const outputCharsMax = 400_000

/** Runs a program to its end, `limitMs` at most. @throws Error when it can't be started. */
export function runProgram(
  file: string,
  args: readonly string[],
  { cwd, limitMs, env }: { cwd: string; limitMs: number; env?: Readonly<Record<string, string>> },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-outputCharsMax)
      })
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, output }))
  })
}
