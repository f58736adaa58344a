/** What gathering evidence leaves behind, and how it says that there is none here. */

/** A proof that can't be given here, with the reason. */
export class NotRun extends Error {
  override name = 'NotRun'
}

/** What was done and what came back, as it is printed. */
export interface Step {
  readonly command: string
  readonly answer: string
}
