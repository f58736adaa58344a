/** The console's own list of pages, read from where it is: what the source of each tab says of it. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { groups } from '../web/src/shell/tab.ts'

export interface ListedPage {
  /** First segment of its address; '' is where everybody arrives. */
  readonly path: string
  readonly group: string
  readonly rank: number
  readonly title: { readonly en: string; readonly ru: string }
}

const tabs = join(import.meta.dirname, '../web/src/tabs')

/**
 * A tab as its source describes it. Node runs no JSX, so the source is read, not imported; the navigation of the running
 * console is held against this list.
 *
 * @param source of a `tab.tsx`
 * @throws Error with what the source doesn't say
 */
export function listedPage(source: string): ListedPage {
  const said = (what: string, pattern: RegExp): string => {
    const found = pattern.exec(source)?.[1]
    if (found === undefined) throw new Error(`a tab says nothing of its ${what}: ${source}`)
    return found
  }
  return {
    path: said('path', /^ {2}path: '(.*)',$/m),
    group: said('group', /^ {2}group: '(\w+)',$/m),
    rank: Number(said('rank', /^ {2}rank: (\d+),$/m)),
    title: { en: said('English title', /\ben: '([^']+)'/), ru: said('Russian title', /\bru: '([^']+)'/) },
  }
}

/** Every page, in the order of the navigation. */
export const listedPages = (): ListedPage[] =>
  globSync('*/tab.tsx', { cwd: tabs })
    .sort()
    .map((file) => listedPage(readFileSync(join(tabs, file), 'utf8')))
    .sort((a, b) => placeOf(a.group) - placeOf(b.group) || a.rank - b.rank)

const placeOf = (group: string): number => (groups as readonly string[]).indexOf(group)
