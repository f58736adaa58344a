/** What gathering evidence leaves behind, and how it says that there is none here. */

/** A proof that can't be given here, with the reason. */
export class NotRun extends Error {
  override name = 'NotRun'
}

/** Whoever asked for the proof doesn't want it any more: what it broke is brought back, and no more than that is done. */
export class Stopped extends NotRun {
  override name = 'Stopped'

  constructor() {
    super('stopped before it was done')
  }
}

/** What was done and what came back, as it is printed. */
export interface Step {
  readonly command: string
  readonly answer: string
}
