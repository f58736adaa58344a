/**
 * Where log lines go: written whole and at once, so that the last one of a process that ends is not lost. Whoever read
 * them may have gone (a supervisor that was killed): then there is nobody to write for, and nothing may wait for it.
 * SonicBoom, pino's own destination, retries any error for ever while the process ends, a broken pipe too.
 */
import { writeSync } from 'node:fs'

export interface LogOutputLimits {
  /** A reader that is slow holds the process up for so long at most; then the line is lost. */
  readonly waitMsMax: number
  readonly stepMs: number
}

export const logOutputLimits: LogOutputLimits = { waitMsMax: 2_000, stepMs: 10 }

type Write = (bytes: Uint8Array) => number

export class LogOutput {
  readonly #write: Write
  readonly #sleep: (ms: number) => void
  readonly #limits: LogOutputLimits
  #gone = false
  /** The last line found no room in time: the next ones are tried once, without waiting. */
  #stuck = false
  #lost = 0

  /**
   * @param write gives how many bytes it took, or throws the system's error
   * @param sleep blocks the thread
   */
  constructor(
    write: Write = (bytes) => writeSync(1, bytes),
    sleep: (ms: number) => void = blockFor,
    limits: LogOutputLimits = logOutputLimits,
  ) {
    this.#write = write
    this.#sleep = sleep
    this.#limits = limits
  }

  /** Lines that nobody will read. */
  get lost(): number {
    return this.#lost
  }

  /** Never throws. @param line with its end */
  write(line: string): void {
    if (this.#gone || !this.#writeWhole(Buffer.from(line))) this.#lost += 1
  }

  #writeWhole(line: Uint8Array): boolean {
    let rest = line
    for (let waitedMs = 0; rest.length > 0; ) {
      try {
        rest = rest.subarray(this.#write(rest))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
          this.#gone = true
          return false
        }
        // A line that was begun is finished if at all possible: half of one would spoil the next.
        const begun = rest.length < line.length
        if (waitedMs >= this.#limits.waitMsMax || (this.#stuck && !begun)) {
          this.#stuck = true
          return false
        }
        this.#sleep(this.#limits.stepMs)
        waitedMs += this.#limits.stepMs
      }
    }
    this.#stuck = false
    return true
  }
}

const cell = new Int32Array(new SharedArrayBuffer(4))
const blockFor = (ms: number): void => void Atomics.wait(cell, 0, 0, ms)
