/** Rules and decisions are cited by number all over the sources and pages: each number leads somewhere. */
import { type Finding, isGenerated, type Project } from './project.ts'

const rulesPage = 'docs/rules.md'

/** `reliability rules 2 and 3`, `rule 14`, `decision 0022`, `docs/decisions/0014`. */
interface Citation {
  kind: 'rule' | 'decision'
  /** As written. */
  number: string
  /** 1-based. */
  line: number
}

/** Tests of tidy itself cite what is made up. */
const exempt = /^tools\/tidy/

/** Cited rules and decisions that aren't there, rules that no source cites, and gaps in the numbers of the rules. */
export function checkCitations({ sources, pages }: Project): Finding[] {
  const rules = pages.find(({ path }) => path === rulesPage)?.text ?? ''
  const numbers = [...rules.matchAll(/^## (\d+)\. /gm)].map(([, number]) => Number(number))
  const decisions = new Set(pages.map(({ path }) => /^docs\/decisions\/(\d{4})-/.exec(path)?.[1]))
  const citing = [...sources, ...pages]
    .filter(({ path }) => !exempt.test(path) && !isGenerated(path))
    .map(({ path, text }) => ({ path, citations: findCitations(text) }))
  const unknown = citing.flatMap(({ path, citations }) =>
    citations
      .filter(({ kind, number }) => (kind === 'rule' ? !numbers.includes(Number(number)) : !decisions.has(number)))
      .map(({ kind, number, line }) => ({
        path,
        line,
        message: `${kind} ${number} is not there: ${kind === 'rule' ? `${rulesPage} has the rules` : 'see docs/decisions'}`,
      })),
  )
  const cited = new Set(
    citing
      .filter(({ path }) => !path.endsWith('.md'))
      .flatMap(({ citations }) => citations.filter(({ kind }) => kind === 'rule').map(({ number }) => Number(number))),
  )
  const uncited = numbers
    .filter((number) => !cited.has(number))
    .map((number) => ({ path: rulesPage, message: `no source cites rule ${number}: cite it where it is kept` }))
  const outOfStep = numbers
    .filter((number, index) => number !== index + 1)
    .slice(0, 1)
    .map((number) => ({ path: rulesPage, message: `rule ${number} is out of step: rules count 1, 2, 3 …` }))
  return [...unknown, ...uncited, ...outOfStep]
}

/** The sentence may go on in the next line of a comment. */
const ruleCitation = /\brules?(?:\s|\*)+(\d+(?:(?:,(?:\s|\*)+|(?:\s|\*)+(?:and|or)(?:\s|\*)+|–)\d+)*)/gi
const decisionCitation = /\bdecisions?(?:(?:\s|\*)+|\/)(\d{4})\b/gi

function findCitations(text: string): Citation[] {
  const lineAt = (index: number) => text.slice(0, index).split('\n').length
  return (['rule', 'decision'] as const).flatMap((kind) =>
    [...text.matchAll(kind === 'rule' ? ruleCitation : decisionCitation)].flatMap(({ index, 1: numbers = '' }) =>
      (numbers.match(/\d+/g) ?? []).map((number) => ({ kind, number, line: lineAt(index) })),
    ),
  )
}
