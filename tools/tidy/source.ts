/**
 * Reads what a source file refers to, without a compiler: comments are blanked, string literals collected,
 * imports found in what remains. It has to be right for this project's own style, not for all of JavaScript.
 */

export interface Import {
  specifier: string
  /** 1-based. */
  line: number
  /** `import type` and `export type … from`: gone at run time. */
  typeOnly: boolean
}

export interface Source {
  /** Path from the checkout's root, with slashes. */
  path: string
  text: string
  lineCount: number
  imports: Import[]
  /** Literals that name a source file, such as an entry handed to a child process. */
  fileNames: string[]
  /** Literals of one word: a test may name its fixture so, without folder and ending. */
  words: string[]
  /** 1-based lines that read `process.env`. */
  environmentLines: number[]
  /** The comment that the file opens with, '' if it opens with code. */
  openingComment: string
  /** Functions that don't fit a screen. */
  longFunctions: LongFunction[]
}

/** A source split into what tidy looks at: code without comments, its imports, its literals. */
export function readSource(path: string, text: string): Source {
  const { code, literals } = separate(text)
  const lineAt = lineCounter(text)
  return {
    path,
    text,
    lineCount: text.endsWith('\n') ? text.split('\n').length - 1 : text.split('\n').length,
    imports: findImports(code, literals, lineAt),
    fileNames: [...literals.values()].filter((value) => /\.(?:ts|tsx|mts|mjs|js)$/.test(value)),
    words: [...literals.values()].filter((value) => /^[a-z][\w-]*$/i.test(value)),
    environmentLines: [...code.matchAll(/\bprocess\s*\.\s*env\b|\bimport\.meta\.env\b/g)].map((match) =>
      lineAt(match.index),
    ),
    openingComment: /^(?:#!.*\n)?\s*(?:(?:\/\/.*\n\s*)+|\/\*[\s\S]*?\*\/)/.exec(text)?.[0] ?? '',
    longFunctions: findLongFunctions(code.split('\n')),
  }
}

/** In `code` each string literal is a quote, spaces and a quote, at its old place; its value is found by that place. */
interface Separated {
  code: string
  literals: Map<number, string>
}

/** `from '…'`, `import '…'`, `import('…')`, both kinds of `resolve('…')`: what ends right before a literal. */
const beforeLiteral =
  /(?:\bfrom|\bimport)\s*$|\bimport\s*\(\s*$|(?:\bimport\.meta|\bcreateRequire\(import\.meta\.url\))\.resolve\s*\(\s*$/

function findImports(code: string, literals: Map<number, string>, lineAt: (index: number) => number): Import[] {
  const found: Import[] = []
  let previousEnd = 0
  for (const [index, specifier] of literals) {
    const before = code.slice(previousEnd, index)
    previousEnd = index + 1
    if (!beforeLiteral.test(before)) continue
    const statement = /(?:^|[;\n}'"])\s*((?:import|export)\b[^;]*)$/.exec(before)?.[1] ?? ''
    const clause = statement.slice(Math.max(statement.lastIndexOf('\nimport '), statement.lastIndexOf('\nexport ')) + 1)
    found.push({ specifier, line: lineAt(index), typeOnly: /^(?:import|export)\s+type\b(?!\s+from\b)/.test(clause) })
  }
  return found
}

function separate(text: string): Separated {
  const literals = new Map<number, string>()
  const code = text.split('')
  const blank = (from: number, to: number) => {
    for (let index = from; index < to; index++) if (code[index] !== '\n') code[index] = ' '
  }
  /** Depth of braces inside each open `${`. */
  const templates: number[] = []
  let index = text.startsWith('#!') ? text.indexOf('\n') : 0
  blank(0, index)
  while (index < text.length) {
    const character = text[index]
    const two = text.slice(index, index + 2)
    let end = index + 1
    if (two === '//' || two === '/*') {
      end = two === '//' ? endOf(text, '\n', index) : endOf(text, '*/', index + 2) + 2
      blank(index, end)
    } else if (character === "'" || character === '"') {
      end = endOfString(text, index)
      literals.set(index, text.slice(index + 1, end - 1))
      blank(index + 1, end - 1)
    } else if (character === '`' || (character === '}' && templates.at(-1) === 0)) {
      if (character === '}') templates.pop()
      const part = endOfTemplatePart(text, index + 1)
      // A template without holes is a literal like any other.
      if (character === '`' && !part.opensHole) literals.set(index, text.slice(index + 1, part.end - 1))
      blank(index + 1, part.end - (part.opensHole ? 0 : 1))
      if (part.opensHole) templates.push(0)
      end = part.end
    } else if (character === '{' && templates.length > 0) templates.push((templates.pop() ?? 0) + 1)
    else if (character === '}' && templates.length > 0) templates.push((templates.pop() ?? 0) - 1)
    else if (character === '/' && startsRegularExpression(code, index)) {
      end = endOfRegularExpression(text, index)
      blank(index + 1, end)
    }
    index = end
  }
  return { code: code.join(''), literals }
}

function endOf(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from)
  return at < 0 ? text.length : at
}

function endOfString(text: string, start: number): number {
  const quote = text[start]
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === quote || text[index] === '\n') return index + 1
  }
  return text.length
}

function endOfTemplatePart(text: string, start: number): { end: number; opensHole: boolean } {
  for (let index = start; index < text.length; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === '`') return { end: index + 1, opensHole: false }
    else if (text.startsWith('${', index)) return { end: index + 2, opensHole: true }
  }
  return { end: text.length, opensHole: false }
}

/** After a value a slash divides; anywhere else it opens a regular expression. */
function startsRegularExpression(code: string[], index: number): boolean {
  const before = code
    .slice(Math.max(0, index - 40), index)
    .join('')
    .trimEnd()
  if (before === '' || /[(,=:[!&|?{};+\-*%~^<>]$/.test(before)) return true
  return /\b(?:return|typeof|case|in|of|delete|void|throw|new|else|await|yield)$/.test(before)
}

function endOfRegularExpression(text: string, start: number): number {
  let inClass = false
  for (let index = start + 1; index < text.length; index++) {
    const character = text[index]
    if (character === '\\') index++
    else if (character === '\n') return index
    else if (character === '[') inClass = true
    else if (character === ']') inClass = false
    else if (character === '/' && !inClass) return index + 1
  }
  return text.length
}

function lineCounter(text: string): (index: number) => number {
  const ends = [...text.matchAll(/\n/g)].map((match) => match.index)
  return (index) => {
    const after = ends.findIndex((end) => end >= index)
    return (after < 0 ? ends.length : after) + 1
  }
}

/** A screen. */
export const functionLinesMax = 60

/** A function with the lines that it takes, signature and last brace included. */
export interface LongFunction {
  /** 1-based. */
  line: number
  lineCount: number
}

const opensFunction =
  /=> \{$|\bfunction\b|^(?:(?:static|async|get|set|override|export|default)\s+)*[*#]?[\w$[\].]+(?:<.*>)?\(.*\)(?::.+)? \{$/s
const opensOther = /^(?:\} )?(?:if|for|while|switch|catch|else|do|try|with|return \()\b/
/** A list of tests is read one test at a time. */
const isSuite = /^\s*(?:describe|suite|it|test)(?:\.\w+)?\(/m

/**
 * Functions that don't fit a screen, by the layout that Biome gives: the last brace has the indentation of the first
 * line. Of nested ones each that is too long; lists of tests don't count.
 */
function findLongFunctions(lines: string[]): LongFunction[] {
  const indentOf = (line: string) => line.length - line.trimStart().length
  return lines.flatMap((line, at): LongFunction[] => {
    if (!line.endsWith('{')) return []
    const indent = indentOf(line)
    let first = at
    // A signature over several lines ends with `) {`: it begins above, at the same indentation.
    if (/^\s*[)}]/.test(line)) while (first > 0 && (first === at || indentOf(lines[first]!) > indent)) first--
    const signature = lines
      .slice(first, at + 1)
      .join('\n')
      .trim()
    if (opensOther.test(signature) || !opensFunction.test(signature)) return []
    const body = lines.slice(at + 1)
    const length = body.findIndex(
      (one) => one.trim() !== '' && indentOf(one) === indent && one.trimStart().startsWith('}'),
    )
    const lineCount = at - first + 1 + length + 1
    if (length < 0 || lineCount <= functionLinesMax || isSuite.test(body.slice(0, length).join('\n'))) return []
    return [{ line: first + 1, lineCount }]
  })
}
