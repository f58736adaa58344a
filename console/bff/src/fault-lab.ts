/**
 * The fault lab, for pages: a program of its own that knows the whole system (lab/checker/experiment); this starts it, keeps
 * what it says, and stops it. One experiment at a time; its standard input holds it alive, so that it heals what it broke
 * when this server dies (decision 0091).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { ExperimentAsked, ExperimentSaid } from '@svyaz/contracts/fault-lab.ts'
import { Problem } from '@svyaz/stage'
import type { Experiment } from '../../protocol.ts'
import { limits } from './limits.ts'
import { linesOf } from './requests.ts'

export interface FaultLabOptions {
  /** The program, as Node runs it; undefined where there is none. */
  readonly program: string | undefined
  /** Folder of the installation whose system is broken. */
  readonly home: string
}

export class FaultLab implements Disposable {
  readonly #options: FaultLabOptions
  #child: ChildProcess | undefined
  #last: Experiment | undefined

  constructor(options: FaultLabOptions) {
    this.#options = options
  }

  get isThere(): boolean {
    return this.#options.program !== undefined
  }

  /** The one that runs, else the one that ran last. */
  get experiment(): Experiment | undefined {
    return this.#last
  }

  /** @throws Problem 503 where there is no fault lab; 409 while an experiment runs */
  start(asked: ExperimentAsked, now: () => string): void {
    const { program, home } = this.#options
    if (program === undefined) throw new Problem(503, 'no_fault_lab', 'this system is not for breaking')
    if (this.#child !== undefined) throw new Problem(409, 'conflict', 'an experiment is under way')
    const flags = {
      '--home': home,
      '--seed': asked.seed,
      '--seconds': asked.seconds,
      '--faults': asked.faults,
      '--kinds': asked.kinds.join(','),
      '--targets': asked.targets.join(','),
      '--edges': asked.edges.join(','),
      '--rate': asked.ordersPerSecond,
    }
    const told = Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)])
    const child = spawn(process.execPath, [program, ...told], { stdio: ['pipe', 'pipe', 'ignore'] })
    this.#child = child
    this.#last = { asked, startedAt: now(), running: true, phase: 'preparing', faults: [], outcomes: {} }
    child.stdin?.on('error', () => undefined)
    // Whatever it hangs on, its end heals what it broke.
    const tooLong = setTimeout(() => child.kill('SIGTERM'), asked.seconds * 1_000 + limits.experimentPatienceMs)
    child.on('error', (error) => this.#hear({ type: 'failed', why: error.message }))
    child.on('close', () => {
      clearTimeout(tooLong)
      this.#child = undefined
      const { scorecard, failed } = this.#last ?? {}
      if (scorecard === undefined && failed === undefined) this.#hear({ type: 'failed', why: 'it ended too soon' })
      if (this.#last !== undefined) this.#last = { ...this.#last, running: false }
    })
    void this.#listen(child)
  }

  /** No further fault begins; what was seen is judged. @throws Problem 409 when none runs */
  stop(): void {
    if (this.#child === undefined) throw new Problem(409, 'conflict', 'no experiment is under way')
    this.#child.stdin?.write('stop\n')
  }

  [Symbol.dispose](): void {
    this.#child?.stdin?.end()
  }

  async #listen({ stdout }: ChildProcess): Promise<void> {
    if (stdout === null) return
    try {
      for await (const line of linesOf(stdout as Parameters<typeof linesOf>[0], limits.answerBytesMax))
        this.#hear(JSON.parse(line) as ExperimentSaid)
    } catch (error) {
      this.#hear({ type: 'failed', why: String(error) })
    }
  }

  #hear(said: ExperimentSaid): void {
    if (this.#last !== undefined) this.#last = after(this.#last, said)
  }
}

/** An experiment after it said something more. Pure. */
export function after(before: Experiment, said: ExperimentSaid): Experiment {
  switch (said.type) {
    case 'plan':
      return { ...before, faults: said.faults }
    case 'phase':
      return { ...before, phase: said.phase }
    case 'counts':
      return { ...before, counts: said.counts }
    case 'fault':
      return { ...before, outcomes: { ...before.outcomes, [said.index]: said.outcome } }
    case 'scorecard':
      return { ...before, scorecard: said.scorecard }
    case 'failed':
      return { ...before, failed: said.why }
  }
}
