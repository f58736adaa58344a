/** What `svyaz verify` prints: each finding with its evidence as it comes, and the table of all rows at the end. Pure. */
import { stripVTControlCharacters } from 'node:util'
import type { Section } from '@svyaz/verify/assignment.ts'
import type { Finding, Verdict } from '@svyaz/verify/proof.ts'
import type { Style, Terminal } from './terminal.ts'

const styles: Record<Verdict, Style> = { PASS: 'green', FAIL: 'red', 'NOT RUN': 'yellow' }
const mark = (verdict: Verdict, terminal: Terminal): string => terminal.paint(styles[verdict], verdict.padEnd(7))

/** A long list of steps is cut; --json has all. */
const stepsShown = 14
const widthMax = 110

/** Lines of words that are no wider than that; a word that is wider gets a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Answers are cut where a person looks; commands never are: they are there to be copied. */
const cut = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`)

/** A finding with its steps, as it is printed when it is there. */
export function findingLines({ id, what, verdict, reasons, steps, tookMs }: Finding, terminal: Terminal): string[] {
  const width = Math.max(40, terminal.columns)
  const head = `${id} ${what}, ${(tookMs / 1_000).toFixed(1)} s`
  const [first = '', ...others] = wrap(head, width - 8)
  return [
    '',
    `${mark(verdict, terminal)} ${terminal.paint('bold', first)}`,
    ...others.map((line) => `        ${terminal.paint('bold', line)}`),
    ...steps.slice(0, stepsShown).flatMap(({ command, answer }) => {
      const clean = stripVTControlCharacters(answer)
      return [
        `        $ ${command}`,
        terminal.paint('dim', `          ${terminal.live ? cut(clean, width - 10) : clean}`),
      ]
    }),
    ...(steps.length > stepsShown ? [`        … ${steps.length - stepsShown} more with --json`] : []),
    ...reasons
      .flatMap((reason) => wrap(reason, width - 8))
      .map((line) => `        ${terminal.paint(styles[verdict], line)}`),
  ]
}

/** The rows by section: verdict, id, what, and why it is not a PASS. */
export function summary(
  sections: readonly Section[],
  findings: readonly Finding[],
  tookMs: number,
  terminal: Terminal,
): string[] {
  const width = Math.min(Math.max(40, terminal.columns), widthMax)
  const idWidth = 5
  const indent = ' '.repeat(8 + idWidth + 2)
  const body = (text: string): string[] => wrap(text, width - indent.length)
  const row = ({ id, what, verdict, reasons }: Finding): string[] => {
    const lines = body(what)
    const head = `${mark(verdict, terminal)} ${id.padEnd(idWidth)}`
    const named =
      id.length <= idWidth
        ? [`${head}  ${lines[0]}`, ...lines.slice(1).map((line) => indent + line)]
        : [head, ...lines.map((line) => indent + line)]
    return [
      ...named,
      ...reasons
        .slice(0, 1)
        .flatMap(body)
        .map((line) => indent + terminal.paint(styles[verdict], line)),
    ]
  }
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length
  const of = new Map(findings.map((finding) => [finding.id, finding]))
  return [
    ...sections.flatMap(({ title, rows }) => {
      const own = rows.flatMap(({ id }) => of.get(id) ?? [])
      return own.length === 0 ? [] : ['', terminal.paint('bold', title), ...own.flatMap(row)]
    }),
    '',
    `${count('PASS')} passed, ${count('FAIL')} failed, ${count('NOT RUN')} not run, in ${(tookMs / 1_000).toFixed(0)} s`,
  ]
}
