/**
 * What a document would cost, before anything is asked of anybody. Pure. `shapeOf` needs no schema and works on any
 * document, valid or not: fragments are counted once and added where they are spread, so a document whose fragments
 * double each other is measured in linear time. `costOf` needs one that was validated.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql'

export interface Shape {
  depth: number
  fields: number
  aliases: number
  /** Of the operation with the most. */
  rootFields: number
}

/** Above any limit that may be set, and still a number to add. */
const tooMany = 1e9

const none: Shape = { depth: 0, fields: 0, aliases: 0, rootFields: 0 }

/** @throws RangeError when fragments spread each other in a circle */
export const shapeOf = (document: DocumentNode): Shape => {
  const fragments = fragmentsOf(document)
  const known = new Map<string, Shape | 'being measured'>()

  const ofFragment = (name: string): Shape => {
    const fragment = fragments.get(name)
    if (fragment === undefined) return none
    const before = known.get(name)
    if (before === 'being measured') throw new RangeError(`fragment ${name} spreads itself`)
    if (before !== undefined) return before
    known.set(name, 'being measured')
    const shape = ofSelection(fragment.selectionSet)
    known.set(name, shape)
    return shape
  }
  const ofSelection = ({ selections }: SelectionSetNode): Shape => {
    const sum = { ...none }
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const below = selection.selectionSet === undefined ? none : ofSelection(selection.selectionSet)
        sum.depth = Math.max(sum.depth, below.depth + 1)
        sum.fields = Math.min(tooMany, sum.fields + below.fields + 1)
        sum.aliases = Math.min(tooMany, sum.aliases + below.aliases + (selection.alias === undefined ? 0 : 1))
        sum.rootFields = Math.min(tooMany, sum.rootFields + 1)
        continue
      }
      const inside =
        selection.kind === Kind.FRAGMENT_SPREAD ? ofFragment(selection.name.value) : ofSelection(selection.selectionSet)
      sum.depth = Math.max(sum.depth, inside.depth)
      sum.fields = Math.min(tooMany, sum.fields + inside.fields)
      sum.aliases = Math.min(tooMany, sum.aliases + inside.aliases)
      sum.rootFields = Math.min(tooMany, sum.rootFields + inside.rootFields)
    }
    return sum
  }

  // Fragments that nobody spreads are measured too: a circle among them would still have to be refused.
  for (const name of fragments.keys()) ofFragment(name)
  const shapes = document.definitions
    .filter((node) => node.kind === Kind.OPERATION_DEFINITION)
    .map(({ selectionSet }) => ofSelection(selectionSet))
  return {
    depth: Math.max(0, ...shapes.map(({ depth }) => depth)),
    fields: shapes.reduce((sum, { fields }) => sum + fields, 0),
    aliases: shapes.reduce((sum, { aliases }) => sum + aliases, 0),
    rootFields: Math.max(0, ...shapes.map(({ rootFields }) => rootFields)),
  }
}

/**
 * The fields of an operation, each times how often it may come in the answer: `first` says how long the next list is, a
 * list without it has `listItemsAssumed`. An argument that isn't a number counts as the assumed length.
 */
export const costOf = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  options: { variables: Readonly<Record<string, unknown>>; listItemsAssumed: number },
): number => {
  const fragments = fragmentsOf(document)
  const variables = { ...defaultsOf(operation), ...options.variables }
  const { listItemsAssumed } = options

  const ofSelection = (
    selection: SelectionSetNode,
    parent: unknown,
    times: number,
    first: number | undefined,
  ): number => {
    let sum = 0
    for (const node of selection.selections) {
      if (node.kind === Kind.FIELD) sum += ofField(node, parent, times, first)
      else if (node.kind === Kind.INLINE_FRAGMENT)
        sum += ofSelection(node.selectionSet, typeOf(node.typeCondition?.name.value, parent), times, first)
      else {
        const fragment = fragments.get(node.name.value)
        if (fragment !== undefined)
          sum += ofSelection(fragment.selectionSet, typeOf(fragment.typeCondition.name.value, parent), times, first)
      }
      if (sum > tooMany) return tooMany
    }
    return sum
  }
  const typeOf = (name: string | undefined, otherwise: unknown) =>
    name === undefined ? otherwise : schema.getType(name)
  const ofField = (field: FieldNode, parent: unknown, times: number, firstAbove: number | undefined): number => {
    if (field.selectionSet === undefined) return times
    const definition =
      isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[field.name.value] : undefined
    if (definition === undefined) return times
    const nullable = isNonNullType(definition.type) ? definition.type.ofType : definition.type
    const own = definition.args.find(({ name }) => name === 'first')
    const first = own === undefined ? firstAbove : lengthOf(field, own.defaultValue)
    const named = getNamedType(definition.type)
    if (!isCompositeType(named)) return times
    // A page hands its length on to the list inside.
    return isListType(nullable)
      ? times + ofSelection(field.selectionSet, named, times * (first ?? listItemsAssumed), undefined)
      : times + ofSelection(field.selectionSet, named, times, own === undefined ? undefined : first)
  }
  const lengthOf = (field: FieldNode, fallback: unknown): number => {
    const given = field.arguments?.find(({ name }) => name.value === 'first')
    const value = given === undefined ? fallback : valueFromASTUntyped(given.value, variables)
    return typeof value === 'number' && value >= 1 ? value : listItemsAssumed
  }

  return ofSelection(operation.selectionSet, rootOf(schema, operation), 1, undefined)
}

const rootOf = (schema: GraphQLSchema, { operation }: OperationDefinitionNode): GraphQLObjectType | undefined | null =>
  schema.getRootType(operation)

const fragmentsOf = (document: DocumentNode): Map<string, FragmentDefinitionNode> =>
  new Map(
    document.definitions
      .filter((node) => node.kind === Kind.FRAGMENT_DEFINITION)
      .map((fragment) => [fragment.name.value, fragment]),
  )

const defaultsOf = ({ variableDefinitions }: OperationDefinitionNode): Record<string, unknown> =>
  Object.fromEntries(
    (variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue === undefined ? [] : [[variable.name.value, valueFromASTUntyped(defaultValue)]],
    ),
  )
