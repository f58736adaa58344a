/** The table "not | but" of STYLE.md, held: phrases that a native engineer wouldn't write, in pages and in code. */
import { type Finding, isGenerated, type Project } from './project.ts'

interface Phrase {
  pattern: RegExp
  /** What to write instead, for the message. */
  instead: string
}

const stylePath = 'STYLE.md'

/** Decision records are frozen. */
const frozen = /^docs\/decisions\//

/** Finds the phrases of STYLE.md's table, also where a line break parts them. Code spans of pages are not prose. */
export function checkWords(project: Project): Finding[] {
  const phrases = readPhrases(project.pages.find(({ path }) => path === stylePath)?.text ?? '')
  if (phrases.length === 0) return [{ path: stylePath, message: 'has no table "| not | but |" to check words by' }]
  const texts = [
    ...project.pages.filter(({ path }) => !frozen.test(path)).map(({ path, text }) => ({ path, text: prose(text) })),
    ...project.sources.filter(({ path }) => !isGenerated(path)),
  ]
  return texts.flatMap(({ path, text }) =>
    phrases.flatMap(({ pattern, instead }) =>
      [...text.matchAll(pattern)].map((match) => ({
        path,
        line: text.slice(0, match.index).split('\n').length,
        message: `"${match[0].replace(/\s+(?:\*|\/\/)?\s*/g, ' ')}": write ${instead} (STYLE.md, Words)`,
      })),
    ),
  )
}

/**
 * The rows below `| not | but |`: a regular expression in code marks, and words.
 * @throws SyntaxError when an expression is not one
 */
export function readPhrases(style: string): Phrase[] {
  const table = /^\| not \| but \|\n\|[-|]+\|\n((?:\|.*\n)+)/m.exec(style)?.[1] ?? ''
  return [...table.matchAll(/^\| `(.+?)` \| (.+) \|$/gm)].map(([, expression = '', instead = '']) => ({
    pattern: new RegExp(
      // `|` is escaped for the table; a space may be a line break with the mark of a comment after it.
      `(?<![\\p{L}\\d])(?:${expression.replaceAll('\\|', '|').replaceAll(' ', '(?: |[ \\t]*\\n[ \\t]*(?:\\*|//)?[ \\t]*)')})(?![\\p{L}\\d])`,
      'giu',
    ),
    instead,
  }))
}

/** A page with its code spans blanked, lines kept. */
function prose(text: string): string {
  return text.replace(/`[^`\n]+`/g, (span) => ' '.repeat(span.length))
}
