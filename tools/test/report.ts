/** Turns the events of node:test into lines and totals. */
import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'
import { inspect, styleText } from 'node:util'

export interface Totals {
  passed: number
  failed: number
  skipped: number
}

export interface ReportOptions {
  /** File names are shown relative to it. */
  root: string
  fileCount: number
  /** A line per test and not only per file. */
  verbose: boolean
  write(text: string): void
}

/** The last line of a run; `.ci/run` adds up such lines. */
export function totalsLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

export function exitStatus(totals: Totals, interrupted: boolean): number {
  if (interrupted) return 130
  return totals.failed > 0 ? 1 : 0
}

interface FileState {
  totals: Totals
  output: string
}

/** What one file wrote is shown when it failed, its last part only. */
const outputCharactersMax = 8_000

export class Report {
  readonly totals: Totals = { passed: 0, failed: 0, skipped: 0 }
  interrupted = false
  readonly #options: ReportOptions
  readonly #files = new Map<string, FileState>()
  readonly #parents: string[] = []
  readonly #failures: string[] = []
  #filesDone = 0

  constructor(options: ReportOptions) {
    this.#options = options
  }

  take(event: TestEvent): void {
    switch (event.type) {
      case 'test:start':
        this.#parents.length = event.data.nesting
        this.#parents[event.data.nesting] = event.data.name
        break
      case 'test:stdout':
      case 'test:stderr': {
        const file = this.#file(event.data.file)
        file.output = (file.output + event.data.message).slice(-outputCharactersMax)
        break
      }
      case 'test:pass':
        this.#passed(event.data)
        break
      case 'test:fail':
        this.#failed(event.data)
        break
      case 'test:summary':
        if (event.data.file) this.#fileDone(event.data.file, event.data.duration_ms)
        break
      default:
    }
  }

  /** Names the failures again, together, where they can be found. */
  end(interrupted: boolean): void {
    this.interrupted = interrupted
    // A file that crashed while loading has no summary of its own.
    for (const file of [...this.#files.keys()]) this.#fileDone(file, undefined)
    if (this.#failures.length > 0) this.#options.write(`\n${red('Failed:')}\n${this.#failures.join('\n')}\n`)
    if (interrupted) this.#options.write('interrupted\n')
  }

  #passed(data: {
    name: string
    nesting: number
    file?: string
    skip?: string | boolean
    details: { type?: string }
  }): void {
    if (data.details.type === 'suite') return
    const skipped = data.skip !== undefined && data.skip !== false
    this.#count(data.file, skipped ? 'skipped' : 'passed')
    const reason = typeof data.skip === 'string' && data.skip !== '' ? ` (${data.skip})` : ''
    if (skipped) this.#options.write(`  - skipped: ${this.#title(data)}${reason}\n`)
    else if (this.#options.verbose) this.#options.write(`  ✔ ${this.#title(data)}\n`)
  }

  #failed(data: { name: string; nesting: number; file?: string; details: { type?: string; error: Error } }): void {
    const error = data.details.error as Error & { failureType?: string; cause?: unknown }
    // A suite fails because something in it did, which was already counted; unless its own hook failed.
    const onlyBecauseOfParts = error.failureType === 'subtestsFailed'
    if (data.details.type === 'suite' && onlyBecauseOfParts) return
    this.#count(data.file, 'failed')
    if (onlyBecauseOfParts) return
    const title = `${red('✖')} ${data.file ? `${this.#name(data.file)}: ` : ''}${this.#title(data)}`
    this.#failures.push(title)
    this.#options.write(`${title}\n${indent(explain(error))}\n`)
  }

  #fileDone(path: string, durationMs: number | undefined): void {
    const file = this.#files.get(path)
    if (!file) return
    this.#files.delete(path)
    this.#filesDone++
    const { failed } = file.totals
    if (failed > 0 && file.output.trim() !== '') this.#options.write(`${dim(indent(file.output.trimEnd()))}\n`)
    const seconds = durationMs === undefined ? '' : `, ${(durationMs / 1000).toFixed(1)} s`
    const mark = failed > 0 ? red('✖') : green('✔')
    const progress = `[${this.#filesDone}/${this.#options.fileCount}]`
    this.#options.write(`${mark} ${dim(progress)} ${this.#name(path)} ${dim(`${totalsLine(file.totals)}${seconds}`)}\n`)
  }

  #count(path: string | undefined, outcome: keyof Totals): void {
    this.totals[outcome]++
    if (path) this.#file(path).totals[outcome]++
  }

  #file(path: string): FileState {
    const known = this.#files.get(path)
    if (known) return known
    const fresh = { totals: { passed: 0, failed: 0, skipped: 0 }, output: '' }
    this.#files.set(path, fresh)
    return fresh
  }

  #title(data: { name: string; nesting: number }): string {
    return [...this.#parents.slice(0, data.nesting), data.name].join(' › ')
  }

  #name(path: string): string {
    return relative(this.#options.root, path)
  }
}

function explain(error: Error & { cause?: unknown }): string {
  const cause = error.cause ?? error
  if (!(cause instanceof Error)) return String(cause)
  // Frames of Node itself and what assert adds to the message say nothing about the code under test.
  return inspect(cause, { depth: 4, breakLength: 110 })
    .split('\n')
    .filter((line) => !/^\s+at .*\(?node:internal/.test(line))
    .join('\n')
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}

const red = (text: string) => styleText('red', text)
const green = (text: string) => styleText('green', text)
const dim = (text: string) => styleText('dim', text)
