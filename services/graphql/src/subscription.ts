/**
 * A subscription as what it comes down to: something that says when to look, and a query that is executed each time. Pure.
 * So each change is joined from all services as they are by then: a version may be skipped, none comes late.
 */
import { Failure } from '@svyaz/kit'
import { type DocumentNode, type FieldNode, Kind, OperationTypeNode, valueFromASTUntyped } from 'graphql'
import type { Prepared } from './documents.ts'

export interface Followed {
  orderId: string
  /** Asks for the order under the name that the subscription's field has in the answer. */
  query: Prepared
}

/** @throws Failure `invalid_request` for what can't be followed */
export const followedBy = (
  { document, operation }: Prepared,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): Followed => {
  const [field] = operation.selectionSet.selections
  // The validation lets one field through, but it may be in a fragment.
  if (field?.kind !== Kind.FIELD || field.name.value !== 'orderChanged')
    throw new Failure('invalid_request', 'a subscription names the field `orderChanged` itself, in no fragment')
  const given = field.arguments?.find(({ name }) => name.value === 'id')
  const orderId = given && valueFromASTUntyped(given.value, variables)
  if (typeof orderId !== 'string') throw new Failure('invalid_request', 'the id of an order is a string')
  const order: FieldNode = { ...field, alias: field.alias ?? field.name, name: { kind: Kind.NAME, value: 'order' } }
  const asked = {
    ...operation,
    operation: OperationTypeNode.QUERY,
    selectionSet: { kind: Kind.SELECTION_SET, selections: [order] },
  } as const
  const definitions = document.definitions.map((node) => (node === operation ? asked : node))
  return { orderId, query: { document: { ...document, definitions } satisfies DocumentNode, operation: asked } }
}
