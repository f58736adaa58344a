/** Starting one process, and the handle by which the supervisor holds it. */
import { spawn } from 'node:child_process'
import type { Exit } from './lifecycle.ts'
import type { Output } from './output.ts'
import { processTree, signalEach } from './process-table.ts'

/** A running process. */
export interface Running {
  readonly pid: number
  /** Settles when the process is gone; never rejects. */
  readonly exited: Promise<Exit>
  /** SIGTERM asks for an orderly end; the others go to all below it too, unless it is alone. Harmless when it has gone. */
  signal(signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** What it starts goes on without it and mends what it broke: signals are for it alone. */
  readonly alone?: boolean
}

/**
 * Starts a process in a group of its own, so that Ctrl-C reaches the supervisor alone, with a pipe as standard input,
 * whose end tells it that the supervisor has gone.
 */
export function launchProcess(command: Command, output: Output): Promise<Running> {
  const child = spawn(command.file, [...command.args], {
    cwd: command.cwd,
    env: command.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  output.begin()
  child.stdout.on('data', (chunk: Buffer) => output.write(chunk))
  child.stderr.on('data', (chunk: Buffer) => {
    output.write(chunk)
    output.heard(chunk)
  })
  // It may be gone when its input is closed.
  child.stdin.on('error', () => {})
  const exited = new Promise<Exit>((resolve) => {
    // 'exit', not 'close': a grandchild that holds the pipes open must not hide the death.
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => {
      const pid = child.pid ?? 0
      const signal = (name: NodeJS.Signals) =>
        name === 'SIGTERM' || command.alone ? child.kill(name) : signalTree(pid, name)
      resolve({ pid, exited, signal })
    })
  })
}

/** Processes that made a session of their own are outside the group, so the tree is asked, not the group. */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  signalEach(processTree(pid), signal)
}
