/** How `npm run test:containers` ends where it can't try anything: skipped, or failed where it was required. */

/** Something that the images are made of can't be had on this machine. */
export class NotPrepared extends Error {
  /**
   * @param what the step, such as `images/go.sh`
   * @param output all that it wrote
   * @param log where that is kept
   */
  constructor(what: string, output: string, log: string) {
    super(`${what}: ${lastLine(output) ?? 'it failed without a word'} (${log})`)
    this.name = 'NotPrepared'
  }
}

/** @returns the last line of what a program wrote that isn't blank */
export const lastLine = (output: string): string | undefined =>
  output
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '')

/**
 * @param required whether this machine is meant to have containers (`SVYAZ_CI_CONTAINERS=required`)
 * @returns what to print, and the exit status
 */
export function notTried(reason: string, required: boolean): { readonly text: string; readonly status: 0 | 1 } {
  const totals = required ? '0 passed, 1 failed' : '0 passed, 0 failed, 1 skipped'
  return { text: `containers are not tried here: ${reason}\n${totals}\n`, status: required ? 1 : 0 }
}
