/**
 * Regular expressions in time that grows with the text, whatever the expression: those of PromQL come from whoever asks, and
 * JavaScript's own engine needs centuries for `(a+)+b`. All ways through the expression go side by side, one character at a
 * time (Thompson's construction; with groups as Pike has it). The language is RE2's, which Prometheus uses, as far as
 * labels need it; what can't be done this way (references back, looking ahead) is refused there too. A pattern holds for a
 * whole text, and `.` for a newline as well. docs/decisions/0087-patterns-in-linear-time.md
 */
import { type Assertion, type Node, parsePattern } from './pattern-parse.ts'

/** Longer ones are refused. */
const patternCharsMax = 1_000
/** Of the compiled program: counted repetitions are written out. */
const stepsMax = 10_000

type Step =
  | { readonly op: 'one'; readonly fits: (code: number) => boolean; readonly next: number }
  /** Both ways, the first is preferred. */
  | { readonly op: 'fork'; readonly first: number; readonly second: number }
  | { readonly op: 'mark'; readonly mark: number; readonly next: number }
  | { readonly op: 'assert'; readonly assertion: Assertion; readonly next: number }
  | { readonly op: 'done' }

type Marks = readonly number[]

export class Pattern {
  /** Names of groups by their number, where they have one. */
  readonly names: readonly (string | undefined)[]
  /** Looks at one step so far: what was spent on texts. */
  work = 0
  readonly #steps: Step[] = []
  readonly #start: number

  /** @throws SyntaxError that says what isn't understood, or that it is too large */
  constructor(source: string) {
    if (source.length > patternCharsMax)
      throw new SyntaxError(`a regular expression may have ${patternCharsMax} characters`)
    const { node, names } = parsePattern(source)
    this.names = names
    this.#start = this.#compile(node, this.#push({ op: 'done' }))
  }

  /** Whether it holds for the whole text. */
  test(text: string): boolean {
    return this.#run(text, false) !== undefined
  }

  /** @returns the text, then that of each group, undefined where one had no part in it; undefined when it doesn't hold */
  exec(text: string): (string | undefined)[] | undefined {
    const marks = this.#run(text, true)
    if (marks === undefined) return undefined
    const groups = this.names.map((_, n) => {
      const [from, to] = [marks[2 * n], marks[2 * n + 1]]
      return from === undefined || to === undefined ? undefined : text.slice(from, to)
    })
    return [text, ...groups.slice(1)]
  }

  #run(text: string, withMarks: boolean): Marks | undefined {
    let here = new Lanes(this.#steps.length)
    let next = new Lanes(this.#steps.length)
    this.#follow(here, this.#start, [], text, 0, withMarks)
    for (let at = 0; at < text.length; ) {
      if (here.count === 0) return undefined
      const code = text.codePointAt(at) ?? 0
      at += code > 0xffff ? 2 : 1
      next.clear()
      for (let n = 0; n < here.count; n += 1) {
        const step = this.#steps[here.steps[n] ?? 0]
        if (step?.op === 'one' && step.fits(code))
          this.#follow(next, step.next, here.marks[n] ?? [], text, at, withMarks)
      }
      this.work += here.count
      ;[here, next] = [next, here]
    }
    for (let n = 0; n < here.count; n += 1)
      if (this.#steps[here.steps[n] ?? 0]?.op === 'done') return here.marks[n] ?? []
    return undefined
  }

  /** Adds the steps that can be reached without a character, the preferred ones first. */
  #follow(lanes: Lanes, start: number, from: Marks, text: string, at: number, withMarks: boolean): void {
    const waiting: [step: number, marks: Marks][] = [[start, from]]
    for (let top = waiting.pop(); top !== undefined; top = waiting.pop()) {
      const [number, marks] = top
      if (!lanes.isFirstVisit(number)) continue
      this.work += 1
      const step = this.#steps[number] as Step
      if (step.op === 'fork') waiting.push([step.second, marks], [step.first, marks])
      else if (step.op === 'mark') waiting.push([step.next, withMarks ? marked(marks, step.mark, at) : marks])
      else if (step.op !== 'assert') lanes.add(number, marks)
      else if (holds(step.assertion, text, at)) waiting.push([step.next, marks])
    }
  }

  #push(step: Step): number {
    if (this.#steps.length >= stepsMax) throw new SyntaxError('a regular expression is too large')
    return this.#steps.push(step) - 1
  }

  /** @returns where it begins; it goes on at `next` */
  #compile(node: Node, next: number): number {
    switch (node.kind) {
      case 'empty':
        return next
      case 'one':
        return this.#push({ op: 'one', fits: node.fits, next })
      case 'assert':
        return this.#push({ op: 'assert', assertion: node.assertion, next })
      case 'sequence':
        return node.of.reduceRight((after, one) => this.#compile(one, after), next)
      case 'either': {
        const [first, ...others] = node.of.map((one) => this.#compile(one, next)).reverse()
        return others.reduce((second, one) => this.#push({ op: 'fork', first: one, second }), first ?? next)
      }
      case 'group': {
        if (node.number === undefined) return this.#compile(node.of, next)
        const end = this.#push({ op: 'mark', mark: 2 * node.number + 1, next })
        return this.#push({ op: 'mark', mark: 2 * node.number, next: this.#compile(node.of, end) })
      }
      case 'repeat':
        return this.#repeat(node, next)
    }
  }

  #repeat({ of, least, most, isLazy }: Extract<Node, { kind: 'repeat' }>, next: number): number {
    const fork = (again: number, on: number) =>
      this.#push({ op: 'fork', first: isLazy ? on : again, second: isLazy ? again : on })
    let after = next
    if (most === Number.POSITIVE_INFINITY) {
      // Its way back is known when its body is.
      const loop = this.#push({ op: 'done' })
      const body = this.#compile(of, loop)
      this.#steps[loop] = { op: 'fork', first: isLazy ? next : body, second: isLazy ? body : next }
      after = loop
    } else for (let n = least; n < most; n += 1) after = fork(this.#compile(of, after), next)
    for (let n = 0; n < least; n += 1) after = this.#compile(of, after)
    return after
  }
}

/** Where the ways are, the preferred ones first, each step once. */
class Lanes {
  count = 0
  readonly steps: Int32Array
  readonly marks: Marks[] = []
  readonly #visits: Int32Array
  #visit = 1

  constructor(size: number) {
    this.steps = new Int32Array(size)
    this.#visits = new Int32Array(size)
  }

  clear(): void {
    this.count = 0
    this.#visit += 1
  }

  isFirstVisit(step: number): boolean {
    if (this.#visits[step] === this.#visit) return false
    this.#visits[step] = this.#visit
    return true
  }

  add(step: number, marks: Marks): void {
    this.steps[this.count] = step
    this.marks[this.count] = marks
    this.count += 1
  }
}

function marked(marks: Marks, mark: number, at: number): Marks {
  const changed = [...marks]
  changed[mark] = at
  return changed
}

const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122)

function holds(assertion: Assertion, text: string, at: number): boolean {
  if (assertion === 'start') return at === 0
  if (assertion === 'end') return at === text.length
  const isEdge = isWord(text.charCodeAt(at - 1)) !== isWord(text.charCodeAt(at))
  return isEdge === (assertion === 'edge of a word')
}
