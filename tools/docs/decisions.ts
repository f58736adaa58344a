/** The list of decision records, by their first lines. */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const folder = join(import.meta.dirname, '..', '..', 'docs', 'decisions')

/** The decision records, a line each. */
export function decisionsList(): string {
  return globSync('[0-9]*.md', { cwd: folder })
    .sort()
    .map((file) => {
      const heading = /^# (.+)$/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? basename(file, '.md')
      return `- ${file.slice(0, 4)} [${heading.replace(/^\d+ *[.:·]? */, '')}](${file})`
    })
    .join('\n')
}
