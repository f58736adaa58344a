/** The map from public lists of weaknesses, and from attacks, to what is done here and the tests that show it. */

import { attacks } from './attack-rows.ts'
import { code, table } from './regions.ts'
import { apiTop10, asvs, type SecurityRow, type Shown, top10 } from './security-rows.ts'

const lists: Readonly<Record<string, readonly SecurityRow[]>> = { api: apiTop10, top10, asvs }

/** Every test that the map names. */
export const shownTests = (): Shown[] =>
  [...Object.values(lists), attacks].flatMap((rows) => rows.flatMap(({ shown }) => [...shown]))

/** Attacks by name, each with its bound and its tests. */
export const attacksTable = (): string =>
  table(
    ['attack', 'what happens', 'shown by'],
    attacks.map(({ attack, bound, shown }) => [`**${attack}**`, bound, named(shown)]),
  )

/**
 * @param list `api`, `top10` or `asvs`
 * @throws Error for another list
 */
export function securityTable(list: string): string {
  const rows = lists[list]
  if (rows === undefined) throw new Error(`there is no list "${list}"; there are ${Object.keys(lists).join(', ')}`)
  return table(
    ['', 'what is done', 'shown by', 'not met'],
    rows.map(({ id, title, done, shown, missing }) => [`**${id}** ${title}`, done, named(shown), missing ?? '']),
  )
}

const named = (shown: readonly Shown[]): string =>
  shown.map(([file, name]) => `${link(file)}${name === '' ? '' : `: “${name}”`}`).join('; ')

const link = (file: string): string => `[${code(file.slice(file.lastIndexOf('/') + 1))}](../${file})`
