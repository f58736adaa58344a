/**
 * Proofs of the assignment, for pages: `svyaz verify` as a program of its own, one at a time, whose lines are kept and
 * handed to every page that looks (decision 0098). Whoever leaves the page doesn't end it: a proof that has stopped a
 * part brings it back first.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Problem } from '@svyaz/stage'
import type { AssignmentSection, ProofFound, ProofLine, ProofRun } from '../../assignment.ts'
import { KeptLines } from './kept-lines.ts'
import { limits } from './limits.ts'
import { linesOf } from './requests.ts'

export interface AssignmentOptions {
  /** The command line, as Node runs it; undefined where there is none. */
  readonly program: string | undefined
  /** Folder of the installation that is judged. */
  readonly home: string
  /** Variables of the program. */
  readonly environment: NodeJS.ProcessEnv
  /** Folder of this server. */
  readonly directory: string
}

type Body = AsyncIterable<Buffer>

type Run = Omit<ProofRun, 'isRunning' | 'stopped'> & {
  readonly who: string
  child: ChildProcess | undefined
  stopped?: true
  /** Ends it when it takes too long: the first time in order, the second time at once. */
  tooLong?: NodeJS.Timeout
}

export class Assignment implements Disposable {
  readonly #options: AssignmentOptions
  readonly #file: KeptLines<ProofFound>
  readonly #found: Map<string, ProofFound>
  #sections: Promise<readonly AssignmentSection[]> | undefined
  #run: Run | undefined
  /** Of the run that is under way or ran last. */
  #lines: ProofLine[] = []
  readonly #listeners = new Set<() => void>()

  constructor(options: AssignmentOptions) {
    this.#options = options
    this.#file = new KeptLines(join(options.directory, 'proofs.ndjson'), limits.proofsKept)
    const known = this.#file.read(({ id, at, verdict }) => [id, at, verdict].every((one) => typeof one === 'string'))
    this.#found = new Map(known.map((found) => [found.id, found]))
  }

  get isThere(): boolean {
    return this.#options.program !== undefined
  }

  /** The run that is under way, or was the last. */
  get run(): ProofRun | undefined {
    if (this.#run === undefined) return undefined
    const { asked, startedAt, child, stopped } = this.#run
    return { asked, startedAt, isRunning: child !== undefined, ...(stopped === undefined ? {} : { stopped }) }
  }

  get #isRunning(): boolean {
    return this.#run?.child !== undefined
  }

  /** What came of each row that was proven from here. */
  get found(): readonly ProofFound[] {
    return [...this.#found.values()]
  }

  /** Every row; read once. @throws Problem 503 without a program, or when it gives no list */
  sections(): Promise<readonly AssignmentSection[]> {
    this.#sections ??= this.#readSections().catch((error: unknown) => {
      this.#sections = undefined
      throw error
    })
    return this.#sections
  }

  /**
   * Begins to prove a row, or all rows of a section.
   * @param now RFC 3339
   * @throws Problem 503 without a program; 409 while another proof runs; 404 for what is neither a row nor a section
   */
  async start(asked: string, who: string, now: () => string): Promise<void> {
    const sections = await this.sections()
    if (!sections.some(({ id, rows }) => id === asked || rows.some((row) => row.id === asked)))
      throw new Problem(404, 'not_found', 'the assignment has no such row')
    if (this.#isRunning) throw new Problem(409, 'conflict', 'a proof is under way')
    const child = this.#spawn('verify', asked, '--lines')
    this.#lines = []
    const run: Run = { asked, startedAt: now(), who, child }
    this.#run = run
    void this.#follow(run, child, now)
  }

  /** The lines of the run that is under way or ran last, from its first on, until it has ended or the signal aborts. */
  async *output(signal: AbortSignal): AsyncGenerator<ProofLine> {
    let at = 0
    const run = this.#run
    while (!signal.aborted && this.#run === run) {
      const lines = this.#lines.slice(at)
      at += lines.length
      yield* lines
      if (at < this.#lines.length) continue
      if (!this.#isRunning) return
      await this.#more(signal)
    }
  }

  /**
   * Asks the proof that runs to end: it brings back what it broke, and says what was not run.
   * @throws Problem 409 when none runs, or it was asked already: a second time it would end at once
   */
  stop(): void {
    const run = this.#run
    if (run?.child === undefined) throw new Problem(409, 'conflict', 'no proof is under way')
    if (run.stopped) throw new Problem(409, 'conflict', 'it is being stopped already')
    this.#end(run)
  }

  /** The run goes on without this server: it only stops listening. */
  [Symbol.dispose](): void {
    const child = this.#run?.child
    child?.stdout?.destroy()
    child?.stderr?.destroy()
    child?.unref()
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#listeners.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#listeners.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  #spawn(...told: string[]): ChildProcess {
    const { program, home, environment } = this.#options
    if (program === undefined) throw new Problem(503, 'no_assignment', 'this system has no proofs beside it')
    const env = { ...environment, SVYAZ_HOME: home, NO_COLOR: '1' }
    return spawn(process.execPath, [program, ...told], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  async #readSections(): Promise<readonly AssignmentSection[]> {
    const child = this.#spawn('verify', '--list', '--json')
    const ended = once(child, 'close')
    // It may be refused before anybody waits for it.
    ended.catch(() => undefined)
    const tooLong = setTimeout(() => child.kill(), limits.callTimeoutMs)
    child.stderr?.resume()
    try {
      let text = ''
      for await (const line of linesOf(child.stdout as Body, limits.answerBytesMax)) text += line
      await ended
      return (JSON.parse(text) as { sections: AssignmentSection[] }).sections
    } catch (error) {
      throw new Problem(503, 'no_assignment', `the list of rows can't be read: ${String(error)}`.slice(0, 200))
    } finally {
      clearTimeout(tooLong)
    }
  }

  /**
   * Asks a run to end, whoever wants it: the first signal has it bring back what it broke, and only when that takes too
   * long does a second one end it in the middle.
   */
  #end(run: Run): void {
    if (run.stopped) return
    run.stopped = true
    clearTimeout(run.tooLong)
    run.tooLong = setTimeout(() => run.child?.kill('SIGTERM'), limits.proofMendMs).unref()
    run.child?.kill('SIGTERM')
  }

  async #follow(run: Run, child: ChildProcess, now: () => string): Promise<void> {
    run.tooLong = setTimeout(() => this.#end(run), limits.proofMs).unref()
    const ended = new Promise<number | null>((resolve) => {
      child.once('error', () => resolve(null))
      child.once('close', resolve)
    })
    const heard = Promise.allSettled([
      this.#hear(child.stdout as Body, (line) => this.#take(lineOf(line), now)),
      this.#hear(child.stderr as Body, (text) =>
        this.#take({ type: 'said', text: text.slice(0, limits.proofTextMax) }, now),
      ),
    ])
    const exitCode = await ended
    await heard
    clearTimeout(run.tooLong)
    run.child = undefined
    this.#take({ type: 'end', exitCode }, now)
  }

  async #hear(body: Body, take: (line: string) => void): Promise<void> {
    for await (const line of linesOf(body, limits.answerBytesMax)) if (line.trim() !== '') take(line)
  }

  #take(line: ProofLine, now: () => string): void {
    // Its own last line says less than its exit status.
    if (line.type === 'end' && this.#isRunning) return
    // What was cut short says nothing of its row.
    if (line.type === 'finding' && !line.finding.stopped)
      this.#keep({ ...line.finding, at: now(), who: this.#run?.who ?? '' })
    if (this.#lines.length < limits.proofLinesMax || line.type === 'finding' || line.type === 'end')
      this.#lines.push(line)
    for (const listener of this.#listeners) listener()
  }

  #keep({ id, verdict, reasons, tookMs, at, who }: ProofFound): void {
    const found = { id, verdict, reasons, tookMs, at, who }
    this.#found.set(id, found)
    this.#file.add(found, () => this.found)
  }
}

/** A line of its output; what isn't JSON is something that it says by the way. */
function lineOf(text: string): ProofLine {
  try {
    const line = JSON.parse(text) as ProofLine | null
    if (typeof line?.type === 'string') return line
  } catch {
    // Not one of its own lines.
  }
  return { type: 'said', text: text.slice(0, limits.proofTextMax) }
}
