/** Runtimes that are known to be vulnerable, with the day the list says so from. Dated: an old checkout knows no newer ones. */
interface SecurityRelease {
  /** The first release of its line that is mended; every older one of the same major is not. */
  readonly mended: string
  readonly on: string
}

/** Newest last. Sources: https://nodejs.org/en/blog/vulnerability. */
const securityReleases: readonly SecurityRelease[] = [{ mended: '24.22.1', on: '2026-10-21' }]

/** The day that this list is of. */
export const listedOn = '2026-11-26'

/**
 * The newest security release that a version of Node.js lacks; undefined when the list knows none. Pure.
 * @param version e.g. `24.21.0`
 */
export function securityReleaseMissedBy(version: string): SecurityRelease | undefined {
  return securityReleases.findLast(({ mended }) => {
    const [own, wanted] = [version, mended].map((text) => text.split('.').map(Number))
    if (own![0] !== wanted![0]) return false
    const at = own!.findIndex((part, index) => part !== wanted![index])
    return at >= 0 && own![at]! < wanted![at]!
  })
}
