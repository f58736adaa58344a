/**
 * Breaking and mending in one sequence: whoever asks for an end asks at any moment, also while a fault is on its way to
 * the supervisor. Mending waits for what has begun, and after it nothing begins. The decisions are `next`, which is pure.
 */

export interface Sequence {
  /** Faults that were asked for and haven't arrived yet. */
  readonly beginning: number
  /** `wanted`: nothing begins any more, and what is on its way is waited for. */
  readonly mending: 'no' | 'wanted' | 'under way'
}

export const atRest: Sequence = { beginning: 0, mending: 'no' }

export type SequenceEvent =
  /** A fault is to begin. */
  | 'begin'
  /** One that was let begin has arrived, or failed to. */
  | 'began'
  /** Everything is to be mended. */
  | 'mend'
  /** What is on its way took too long to be waited for. */
  | 'patience over'

/** What follows: the fault may begin or not; everything is mended now (again, when a fault arrived late). */
export type Step = 'let begin' | 'refuse' | 'mend' | 'wait'

/** One step of the sequence. Pure. */
export function next(
  before: Sequence,
  event: SequenceEvent,
): { readonly after: Sequence; readonly step: Step | undefined } {
  const { beginning, mending } = before
  switch (event) {
    case 'begin':
      if (mending !== 'no') return { after: before, step: 'refuse' }
      return { after: { beginning: beginning + 1, mending }, step: 'let begin' }
    case 'began': {
      const left = beginning - 1
      if (mending === 'no' || (mending === 'wanted' && left > 0))
        return { after: { beginning: left, mending }, step: undefined }
      return { after: { beginning: left, mending: 'under way' }, step: 'mend' }
    }
    case 'mend':
      if (mending === 'under way') return { after: before, step: 'mend' }
      if (beginning > 0) return { after: { beginning, mending: 'wanted' }, step: 'wait' }
      return { after: { beginning, mending: 'under way' }, step: 'mend' }
    case 'patience over':
      if (mending !== 'wanted') return { after: before, step: undefined }
      return { after: { beginning, mending: 'under way' }, step: 'mend' }
  }
}

/** No fault begins any more: everything is being mended. */
export class Mending extends Error {
  override name = 'Mending'

  constructor() {
    super('it was not begun: what is broken is being mended')
  }
}

/** How long mending waits for faults that are on their way. */
export interface Waits {
  /** Before it begins. A supervisor answers sooner; a process that stops is killed after four seconds. */
  readonly beforeMs: number
  /** After it, for those that come late and are mended then. A machine that is overloaded may take this long. */
  readonly afterMs: number
}

const usualWaits: Waits = { beforeMs: 15_000, afterMs: 60_000 }

/** Carries the sequence out. */
export class BreakAndMend {
  #now = atRest
  readonly #waiting = new Set<() => void>()
  /** Faults on their way, each with its mending when it comes late. */
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #waits: Waits
  #mend: (() => Promise<void>) | undefined

  constructor(waits: Waits = usualWaits) {
    this.#waits = waits
  }

  /** Begins a fault. @param act resolves when it has arrived @throws Mending when none may begin; what the act throws */
  async begin<T>(act: () => Promise<T>): Promise<T> {
    if (this.#take('begin') === 'refuse') throw new Mending()
    const arrival = this.#arrive(act)
    this.#underWay.add(arrival)
    try {
      return await arrival
    } finally {
      this.#underWay.delete(arrival)
    }
  }

  /**
   * Mends, once what has begun has arrived. It is over when what came late is mended too: whoever asked for it may end the
   * process then. @param act brings everything back, and may be called again
   */
  async mend(act: () => Promise<void>): Promise<void> {
    this.#mend = act
    if (this.#take('mend') === 'wait') await this.#arrival()
    await act()
    await atMost(this.#waits.afterMs, Promise.allSettled(this.#underWay))
  }

  async #arrive<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } finally {
      // One that arrived late, after the mending, is mended by whoever sees it arrive.
      const late = this.#now.mending === 'under way'
      const step = this.#take('began')
      if (step === 'mend') {
        for (const go of this.#waiting) go()
        if (late) await this.#mend?.()
      }
    }
  }

  /** Until what is on its way has arrived, or patience is over. */
  async #arrival(): Promise<void> {
    const arrived = Promise.withResolvers<void>()
    this.#waiting.add(arrived.resolve)
    await atMost(this.#waits.beforeMs, arrived.promise)
    this.#waiting.delete(arrived.resolve)
    this.#take('patience over')
  }

  #take(event: SequenceEvent): Step | undefined {
    const { after, step } = next(this.#now, event)
    this.#now = after
    return step
  }
}

/** Waits for it, but no longer. */
async function atMost(ms: number, what: Promise<unknown>): Promise<void> {
  const over = Promise.withResolvers<void>()
  const patience = setTimeout(over.resolve, ms)
  await Promise.race([what, over.promise])
  clearTimeout(patience)
}
