/**
 * Images of others that compose.yaml names, each by its tag and, where it is known, by its digest: a tag can be moved
 * by whoever owns it, a digest is the content itself. Pure.
 */

/** `name:tag` → `sha256:…`, as images.lock.json holds it. */
export type Digests = Readonly<Record<string, string>>

const line = /^( *image: )(?!svyaz\/)([\w./-]+:[\w.-]+)(?:@sha256:[0-9a-f]{64})?$/gm
const digest = /^sha256:[0-9a-f]{64}$/

/** The images of others, each once, in the order of the file. Our own are built here. */
export const imagesIn = (compose: string): string[] => [
  ...new Set([...compose.matchAll(line)].map((match) => match[2] ?? '')),
]

/**
 * The file with the digest behind each tag that has one, and behind no other.
 * @throws Error for a digest that is none
 */
export function pinned(compose: string, digests: Digests): string {
  for (const [image, value] of Object.entries(digests))
    if (!digest.test(value)) throw new Error(`images.lock.json: ${image} has "${value}", which is not a digest`)
  return compose.replace(line, (_, before: string, image: string) => {
    const known = digests[image]
    return `${before}${image}${known === undefined ? '' : `@${known}`}`
  })
}
