/** Writing to people and to programs: colours and redrawing only where a person looks. */
import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan'

export interface Terminal {
  /** True when standard output is a terminal. */
  readonly live: boolean
  /** Width in characters. */
  readonly columns: number
  /** A line on standard output. */
  print(text: string): void
  /** A line on standard error. */
  complain(text: string): void
  json(value: unknown): void
  paint(style: Style, text: string): string
  /** Draws lines that the next call replaces; only on a live terminal. */
  redraw(lines: readonly string[]): void
}

/** Whoever read the output has had enough (`| head`), or the terminal's window was closed. */
const unreadCodes: ReadonlySet<string> = new Set(['EPIPE', 'EIO'])

/** Where the command writes to: its width, whether it is live, which colours it takes. */
export function openTerminal(
  out: NodeJS.WriteStream,
  error: NodeJS.WriteStream,
  options: { noColor: boolean },
): Terminal {
  const live = out.isTTY === true
  const colours = live && !options.noColor
  let drawn = 0
  // What is left to say goes nowhere, and the command ends as it would: one that breaks parts of a system mends them.
  for (const stream of [out, error]) {
    stream.on('error', (fault: NodeJS.ErrnoException) => {
      if (!unreadCodes.has(fault.code ?? '')) throw fault
    })
  }
  return {
    live,
    get columns() {
      return out.columns ?? 80
    },
    print: (text) => void out.write(`${text}\n`),
    complain: (text) => void error.write(`${text}\n`),
    json: (value) => void out.write(`${JSON.stringify(value)}\n`),
    paint: (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text),
    redraw: (lines) => {
      if (!live) return
      const up = drawn > 0 ? `\u001b[${drawn}A` : ''
      out.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[0J`)
      drawn = lines.length
    },
  }
}

/** Columns as wide as their widest cell; escape sequences have no width. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => visible(row[column] ?? ''))))
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visible(cell)))
      .join('  ')
      .trimEnd(),
  )
}

/** How many characters of a line one sees. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: SGR sequences begin with ESC.
export const visible = (text: string): number => text.replace(/\u001b\[[0-9;]*m/g, '').length

/** A number of bytes as people read it: `812 B`, `3.4 kB`, `1.2 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  const [unit, divisor] = bytes < 1e6 ? ['kB', 1e3] : bytes < 1e9 ? ['MB', 1e6] : ['GB', 1e9]
  const value = bytes / Number(divisor)
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`
}
