/** Parts of a Markdown page that are made from code. Pure: text in, text out. */

const region = /<!-- made by tools\/docs\.ts: ([\w-]+(?: [\w./-]+)?) -->\n[\s\S]*?<!-- end -->/g

/**
 * The page with each region filled in again. A region is named `kind` or `kind argument`.
 *
 * @throws Error when a page names a kind that there is no maker for.
 */
export async function fillRegions(
  page: string,
  make: (kind: string, argument: string) => Promise<string> | string,
): Promise<string> {
  const filled = new Map<string, string>()
  for (const [, name = ''] of page.matchAll(region)) {
    const [kind = '', argument = ''] = name.split(' ')
    filled.set(name, (await make(kind, argument)).trim())
  }
  return page.replace(
    region,
    (_, name: string) => `<!-- made by tools/docs.ts: ${name} -->\n${filled.get(name)}\n<!-- end -->`,
  )
}

/** A Markdown table; a pipe inside a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

/** Lines as a Mermaid diagram in Markdown. */
export const mermaid = (lines: readonly string[]): string => ['```mermaid', ...lines, '```'].join('\n')

/** A text as code in Markdown. */
export const code = (text: string): string => `\`${text}\``
