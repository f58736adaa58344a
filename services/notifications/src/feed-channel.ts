/** What instances say to each other when frames were stored: whose feeds, and who stored them. Pure. */
import type { Instance } from '@svyaz/kit'

export const feedChannel = 'frames'

/** A payload of NOTIFY has fewer than 8,000 bytes; without names, everybody looks at all of their feeds. */
const usersMax = 150

/**
 * Whether there is anybody to say it to. As long as discovery knows of this instance alone no socket is another's: the
 * gateway looks there too. One that came a moment ago finds by its own poll what it wasn't told.
 */
export const hasOthers = (instance: string, known: readonly Pick<Instance, 'id'>[]): boolean =>
  known.length !== 1 || known[0]?.id !== instance

/** What is said of these feeds. */
export const sayFeeds = (instance: string, userIds: readonly string[]): string =>
  `${instance}:${userIds.length > usersMax ? '' : userIds.join(',')}`

/**
 * Whose feeds to look at: none when this instance said it itself, for it has the frames; `all` when there were too many
 * to name, or what was said is nothing that this version says (a NOTIFY may also have been lost: an empty payload).
 */
export const heardFeeds = (instance: string, payload: string): readonly string[] | 'all' => {
  const [by, users] = payload.split(':')
  if (users === undefined) return 'all'
  if (by === instance) return []
  return users === '' ? 'all' : users.split(',')
}
