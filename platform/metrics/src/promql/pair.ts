/** Operators between two values, and which elements of two vectors belong to each other. */
import { keyOf, type Labels } from '../series.ts'
import { type Expression, type Matching, type Operator, PromqlError } from './expression.ts'
import { type Element, nameless, only, scalar, type Value, vector, without } from './vector.ts'

type Pair = Extract<Expression, { kind: 'pair' }>

const arithmetic: Readonly<Partial<Record<Operator, (a: number, b: number) => number>>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
}
const comparison: Readonly<Partial<Record<Operator, (a: number, b: number) => boolean>>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
}

/** @returns undefined where a comparison turns the element away */
function computed({ by, bool }: Pair, left: number, right: number, kept: number): number | undefined {
  const compute = arithmetic[by]
  if (compute !== undefined) return compute(left, right)
  const holds = comparison[by]?.(left, right) ?? false
  if (bool) return holds ? 1 : 0
  return holds ? kept : undefined
}

/** @throws PromqlError where the operator doesn't fit its sides */
export function combine(pair: Pair, left: Value, right: Value): Value {
  if (left.kind === 'string' || right.kind === 'string') throw new PromqlError('a string has no operators')
  if (pair.by === 'or' || pair.by === 'and' || pair.by === 'unless') {
    if (left.kind !== 'vector' || right.kind !== 'vector') throw new PromqlError(`${pair.by} is between vectors`)
    return vector(setOperation(pair.by, pair.matching, left.elements, right.elements))
  }
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    if (comparison[pair.by] !== undefined && !pair.bool) throw new PromqlError('scalars are compared with bool')
    return scalar(computed(pair, left.value, right.value, left.value) ?? Number.NaN)
  }
  if (left.kind === 'vector' && right.kind === 'vector') return vector(between(pair, left.elements, right.elements))
  const elements = left.kind === 'vector' ? left.elements : right.kind === 'vector' ? right.elements : []
  const keepsName = comparison[pair.by] !== undefined && !pair.bool
  return vector(
    elements.flatMap(({ labels, value }) => {
      const [a, b] = left.kind === 'scalar' ? [left.value, value] : [value, (right as { value: number }).value]
      const result = computed(pair, a, b, value)
      return result === undefined ? [] : [{ labels: keepsName ? labels : nameless(labels), value: result }]
    }),
  )
}

const signatureOf = ({ by, labels: names }: Matching) =>
  by === 'on' ? (labels: Labels) => keyOf(only(labels, names)) : (labels: Labels) => keyOf(without(labels, names))

function setOperation(
  by: 'or' | 'and' | 'unless',
  matching: Matching,
  left: readonly Element[],
  right: readonly Element[],
): Element[] {
  const signature = signatureOf(matching)
  const others = new Set((by === 'or' ? left : right).map(({ labels }) => signature(labels)))
  if (by === 'or') return [...left, ...right.filter(({ labels }) => !others.has(signature(labels)))]
  return left.filter(({ labels }) => others.has(signature(labels)) === (by === 'and'))
}

function between(pair: Pair, left: readonly Element[], right: readonly Element[]): Element[] {
  const { matching } = pair
  const signature = signatureOf(matching)
  const isSwapped = matching.group === 'right'
  const [many, one] = isSwapped ? [right, left] : [left, right]
  const ones = new Map<string, Element>()
  for (const element of one) {
    const key = signature(element.labels)
    if (ones.has(key)) throw new PromqlError('several elements of one side belong to the same of the other')
    ones.set(key, element)
  }
  const taken = new Set<string>()
  return many.flatMap((element) => {
    const key = signature(element.labels)
    const partner = ones.get(key)
    if (partner === undefined) return []
    const [a, b] = isSwapped ? [partner, element] : [element, partner]
    const value = computed(pair, a.value, b.value, a.value)
    if (value === undefined) return []
    const labels = labelsOfPair(pair, element.labels, partner.labels)
    const own = keyOf(labels)
    if (taken.has(own))
      throw new PromqlError('several elements belong to the same: group_left or group_right is needed')
    taken.add(own)
    return [{ labels, value }]
  })
}

function labelsOfPair({ by, bool, matching }: Pair, many: Labels, one: Labels): Labels {
  const own = arithmetic[by] !== undefined || bool ? nameless(many) : many
  if (matching.group !== undefined) return { ...own, ...only(one, matching.include) }
  if (matching.by === 'on') return only(own, matching.labels)
  return Object.fromEntries(Object.entries(own).filter(([name]) => !matching.labels.includes(name)))
}
