/**
 * Whether this page is still the one that the server gives: each build's entry has a name of its own, so that a page
 * left open over an upgrade asks for parts that are gone.
 */

/** How long between looks while the server builds its page, and how many looks there are at most. */
const againMs = 2_000
const looksMax = 60

/**
 * The entry that a page names, or undefined when it names none (the page that is shown while the real one is built).
 * @param html of the page; how Vite writes it
 */
export const entryOf = (html: string): string | undefined => {
  const tag = /<script\b[^>]*\btype="module"[^>]*>/.exec(html)?.[0]
  return tag === undefined ? undefined : /\bsrc="([^"]+)"/.exec(tag)?.[1]
}

/**
 * Loads the page again at the same address if the server has another build of it. What is loaded then is that build:
 * this can't go round.
 * @returns false when it is the same build, or nobody could say
 */
export async function reloadIfNewer(): Promise<boolean> {
  const own = document.querySelector('script[type=module]')?.getAttribute('src')
  for (let look = 0; look < looksMax; look += 1) {
    const html = await fetch('/', { cache: 'no-cache' }).then(
      (response) => (response.ok ? response.text() : undefined),
      () => undefined,
    )
    if (html === undefined) return false
    const theirs = entryOf(html)
    if (theirs !== undefined) {
      if (theirs === own) return false
      location.reload()
      return true
    }
    await new Promise((resolve) => setTimeout(resolve, againMs))
  }
  return false
}
