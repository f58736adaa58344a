/** Questions to the graph: one that begins with a field, and what kind a document is. Pure. */
import type { GraphField, GraphType } from '../../../declared-api.ts'
import type { Known } from './fields.ts'

/** How deep a selection goes that is written for somebody; the router's limits are further away. */
const depthMax = 2

/**
 * A document that asks for a field of the roots, with every field of what it gives, and variables for its arguments.
 * @param root `Query` or `Subscription`
 */
export function documentFor(root: string, field: GraphField, types: readonly GraphType[]): string {
  const needed = field.args.filter(({ type, default: given }) => type.endsWith('!') && given === undefined)
  const declared = needed.map(({ name, type }) => `$${name}: ${type}`).join(', ')
  const given = needed.map(({ name }) => `${name}: $${name}`).join(', ')
  const head = `${root.toLowerCase()}${declared === '' ? '' : ` (${declared})`}`
  const selection = selectionOf(field.named, types, 1)
  return `${head} {\n  ${field.name}${given === '' ? '' : `(${given})`}${selection}\n}\n`
}

function selectionOf(name: string, types: readonly GraphType[], depth: number): string {
  const fields = types.find((type) => type.name === name)?.fields ?? []
  if (fields.length === 0) return ''
  const indent = '  '.repeat(depth + 1)
  const lines = fields
    .map((field) => ({ field, inner: types.find((type) => type.name === field.named)?.fields ?? [] }))
    .filter(({ field, inner }) => (inner.length === 0 ? true : depth < depthMax && needsNothing(field)))
    .map(({ field }) => `${indent}${field.name}${selectionOf(field.named, types, depth + 1)}`)
  return lines.length === 0 ? '' : ` {\n${lines.join('\n')}\n${'  '.repeat(depth)}}`
}

const needsNothing = ({ args }: GraphField): boolean =>
  args.every(({ type, default: given }) => !type.endsWith('!') || given !== undefined)

/** Its answers go on coming. */
export const subscribes = (document: string): boolean => /^(?:\s|#[^\n]*\n)*subscription\b/.test(document)

/** Values for the variables that a document declares and needs. */
export function variablesFor(document: string, { orderId, userId, productId }: Known): Record<string, unknown> {
  const needed = [...document.matchAll(/\$(\w+):\s*[\w[\]]+!(?!\s*=)/g)].map(([, name = '']) => name)
  const root = /\{\s*(\w+)/.exec(document)?.[1] ?? ''
  const id = root.startsWith('product') ? productId : root === 'user' ? userId : orderId
  return Object.fromEntries(needed.map((name) => [name, name === 'id' ? (id ?? '') : '']))
}

/** @throws SyntaxError when the variables aren't JSON */
export const questionOf = (document: string, variables: string) => ({
  query: document,
  ...(variables.trim() === '' ? {} : { variables: JSON.parse(variables) as Record<string, unknown> }),
})
