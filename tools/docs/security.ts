/** The map from public lists of weaknesses to what is done here and the tests that show it. */

import { code, table } from './regions.ts'
import { apiTop10, asvs, type SecurityRow, type Shown, top10 } from './security-rows.ts'

const lists: Readonly<Record<string, readonly SecurityRow[]>> = { api: apiTop10, top10, asvs }

/** Every test that the map names. */
export const shownTests = (): Shown[] => Object.values(lists).flatMap((rows) => rows.flatMap(({ shown }) => [...shown]))

/**
 * @param list `api`, `top10` or `asvs`
 * @throws Error for another list
 */
export function securityTable(list: string): string {
  const rows = lists[list]
  if (rows === undefined) throw new Error(`there is no list "${list}"; there are ${Object.keys(lists).join(', ')}`)
  return table(
    ['', 'what is done', 'shown by', 'not met'],
    rows.map(({ id, title, done, shown, missing }) => [
      `**${id}** ${title}`,
      done,
      shown.map(([file, name]) => `${link(file)}${name === '' ? '' : `: “${name}”`}`).join('; '),
      missing ?? '',
    ]),
  )
}

const link = (file: string): string => `[${code(file.slice(file.lastIndexOf('/') + 1))}](../${file})`
