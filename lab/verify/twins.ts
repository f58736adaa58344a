/**
 * A page and its translation: what must be the same on both, taken out of the text. Words differ; headings, code, pictures,
 * tables and their figures don't. Pure.
 */

export interface PageShape {
  /** `##`, `###`: levels in their order. */
  readonly headings: readonly string[]
  /** Without comments and without the labels of diagrams, which are translated. */
  readonly code: readonly string[]
  /** Targets. */
  readonly pictures: readonly string[]
  readonly tables: readonly (readonly TableRow[])[]
  /** Paragraphs and items outside of tables and code. */
  readonly paragraphs: number
  /** The beginning of each paragraph, heading or item that has words and none in Cyrillic. */
  readonly latin: readonly string[]
}

export interface TableRow {
  readonly cells: number
  /** Code and figures of the row, sorted: the order of words is the language's. */
  readonly same: readonly string[]
}

const noPage: PageShape = { headings: [], code: [], pictures: [], tables: [], paragraphs: 0, latin: [] }

/** @param text Markdown; undefined where there is no such page. */
export function shapeOf(text: string | undefined): PageShape {
  if (text === undefined) return noPage
  const headings: string[] = []
  const code: string[] = []
  const pictures: string[] = []
  const tables: TableRow[][] = []
  const prose: string[] = []
  let block: string[] | undefined
  let table: TableRow[] | undefined
  let paragraph: string[] = []
  const end = () => {
    if (paragraph.length > 0) prose.push(paragraph.join(' '))
    paragraph = []
  }
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) {
      end()
      if (block === undefined) block = [line]
      else {
        code.push(sameOfCode(block))
        block = undefined
      }
      continue
    }
    if (block !== undefined) {
      block.push(line)
      continue
    }
    pictures.push(
      ...[...line.matchAll(/!\[[^\]]*\]\(([^)]*)\)/g)].map(([, target]) => target!.replace(/^(?:\.\.?\/)+/, '')),
    )
    const [, level, title] = /^(#+) (.*)/.exec(line) ?? []
    const isRow = line.startsWith('|')
    if (!isRow) table = undefined
    if (level !== undefined) {
      end()
      headings.push(level)
      prose.push(title!)
    } else if (isRow) {
      end()
      if (table === undefined) {
        table = []
        tables.push(table)
      }
      if (!/^\|[-| :]+\|$/.test(line)) table.push(rowOf(line))
    } else if (line.trim() === '' || line.startsWith('<!--') || line.startsWith('![')) end()
    else {
      if (/^\s*(?:[-*]|\d+\.) /.test(line)) end()
      paragraph.push(line)
    }
  }
  end()
  const latin = prose.filter(isUntranslated).map((one) => one.slice(0, 60))
  return { headings, code, pictures, tables, paragraphs: prose.length, latin }
}

/** Comments and the words in the boxes and on the arrows of a diagram are translated, the rest is not. */
function sameOfCode([opening = '', ...lines]: readonly string[]): string {
  const isDiagram = opening.includes('mermaid')
  const same = lines.map((line) =>
    isDiagram
      ? line.replaceAll(/\|[^|]*\||\(\([^)]*\)\)|\[[^\]]*\]|"[^"]*"/g, '').trimEnd()
      : line.replace(/(?:^|\s)(?:#|\/\/) .*$/, '').trimEnd(),
  )
  return [opening, ...same].join('\n')
}

/** Cells of code, and figures on their own: not the 1 of MC1. Thousands are written in each language's way. */
function rowOf(line: string): TableRow {
  const plain = line.replaceAll('\\|', '')
  const codes = [...plain.matchAll(/`[^`]*`/g)].map(([one]) => one)
  const words = plain.replaceAll(/`[^`]*`|\]\([^)]*\)/g, ' ').replaceAll(/(\d)[,\u00a0\u202f ](?=\d{3}(?!\d))/g, '$1')
  const figures = [...words.matchAll(/(?<![\p{L}\d.])\d+(?:[.,]\d+)?/gu)].map(([one]) => one.replace(',', '.'))
  return { cells: plain.split('|').length - 2, same: [...codes, ...figures].sort() }
}

/** Prose without one Cyrillic letter; names of programs and single words are not prose. */
function isUntranslated(text: string): boolean {
  const words = text.replaceAll(/`[^`]*`|\]\([^)]*\)|https?:\S+/g, ' ')
  return !/[а-яё]/i.test(words) && (words.match(/\b[a-z]{2,}\b/g)?.length ?? 0) >= 3
}

/** Where a translation is not its original, a sentence each. */
export function twinFaults(page: string, original: PageShape, translation: PageShape): string[] {
  if (translation.paragraphs === 0) return [`${page}: there is no translation`]
  const list = (what: string, one: readonly string[], other: readonly string[]): string[] => {
    if (one.length !== other.length)
      return [`${page}: ${one.length} ${what} in the original, ${other.length} in the translation`]
    const at = one.findIndex((value, n) => value !== other[n])
    return at < 0
      ? []
      : [`${page}: ${what} differ: ${short(one[at]!, other[at]!)} is not ${short(other[at]!, one[at]!)}`]
  }
  return [
    ...list('headings', original.headings, translation.headings),
    ...list('code blocks', original.code, translation.code),
    ...list('pictures', original.pictures, translation.pictures),
    ...(original.tables.length === translation.tables.length
      ? original.tables.flatMap((rows, at) => tableFaults(`${page}, table ${at + 1}`, rows, translation.tables[at]!))
      : [`${page}: ${original.tables.length} tables in the original, ${translation.tables.length} in the translation`]),
    ...translation.latin.map((text) => `${page}: not translated: "${text}"`),
  ]
}

/** The part of a text in which it differs from another. */
function short(text: string, other: string): string {
  const lines = other.split('\n')
  return JSON.stringify((text.split('\n').find((line, at) => line !== lines[at]) ?? text).trim().slice(0, 80))
}

function tableFaults(table: string, original: readonly TableRow[], translation: readonly TableRow[]): string[] {
  if (original.length !== translation.length)
    return [`${table}: ${original.length} rows in the original, ${translation.length} in the translation`]
  return original.flatMap(({ cells, same }, at) => {
    const other = translation[at]!
    if (cells !== other.cells)
      return [`${table}, row ${at}: ${cells} cells in the original, ${other.cells} in the translation`]
    return same.join(' ') === other.same.join(' ')
      ? []
      : [`${table}, row ${at}: ${same.join(' ')} is not ${other.same.join(' ')}`]
  })
}
