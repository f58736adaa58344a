/** Exported functions of a source text, and which of them a comment describes. Pure; on text that the formatter wrote. */

export interface ExportedFunction {
  readonly name: string
  readonly line: number
  /** A `/** … *\/` with words in it stands directly before it. */
  readonly described: boolean
}

const declaration = /^(export )?(?:default )?(?:(?:async )?function\*? ?(\w*)|const (\w+))/gm
const listed = /^export \{([^}]*)\}(?! from)/gm

/**
 * Declared functions and constants that are functions, exported where they stand or in a list. Of several signatures of one
 * function the first is looked at.
 */
export function exportedFunctions(text: string): ExportedFunction[] {
  const inLists = new Set(
    [...text.matchAll(listed)].flatMap(([, names = '']) => names.split(',').map((one) => one.trim().split(' ')[0])),
  )
  const found: ExportedFunction[] = []
  for (const match of text.matchAll(declaration)) {
    const [whole, exported, declared, constant] = match
    const name = declared || constant || 'default'
    if (exported === undefined && !inLists.has(name)) continue
    if (constant !== undefined && !isFunction(text.slice(match.index + whole.length))) continue
    if (found.at(-1)?.name === name) continue
    const before = text.slice(0, match.index)
    found.push({ name, line: before.split('\n').length, described: endsWithDescription(before) })
  }
  return found
}

/** Two words at least, and no line between but remarks for tools (`// biome-ignore …`). */
function endsWithDescription(textBefore: string): boolean {
  const before = textBefore.replace(/(?<=\n)(?:\/\/.*\n)+$/, '')
  if (!before.endsWith('*/\n')) return false
  const comment = before.slice(before.lastIndexOf('/**'))
  return (
    before.includes('/**') && !comment.slice(0, -3).includes('*/') && (comment.match(/\p{L}{2,}/gu)?.length ?? 0) >= 2
  )
}

/** Whether a constant is a function. @param rest what follows its name: perhaps a type, `=`, its value. */
function isFunction(rest: string): boolean {
  const value = /^[^\n]*?\s=\s+([\s\S]*)/.exec(rest)?.[1]?.replace(/^async /, '')
  if (value === undefined) return false
  if (/^(?:function\b|\w+ =>)/.test(value)) return true
  const afterTypes = value.startsWith('<') ? value.slice(closing(value, '<', '>') + 1) : value
  if (!afterTypes.startsWith('(')) return false
  // Behind the parameters comes `=>`, or `:` and the type of what is returned; behind an expression neither can come.
  return /^\s*(?:=>|:)/.test(afterTypes.slice(closing(afterTypes, '(', ')') + 1))
}

/** Where the bracket that a text begins with is closed; arrows are not brackets. */
function closing(text: string, open: string, close: string): number {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === open) depth++
    else if (text[at] === close && text[at - 1] !== '=') depth--
    if (depth === 0) return at
  }
  return text.length
}
