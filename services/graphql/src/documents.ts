/** From a client's text to an operation that may be executed: parsed, measured, validated, each with its bound. */
import { Failure } from '@svyaz/kit'
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql'
import { limits, type Settings } from './config.ts'
import { costOf, type Shape, shapeOf } from './measure.ts'

export interface Prepared {
  document: DocumentNode
  operation: OperationDefinitionNode
}

/** Why a document is not executed: each as GraphQL says it, with its place in the text. */
export class Refused extends Error {
  readonly errors: readonly GraphQLError[]

  constructor(errors: readonly GraphQLError[]) {
    super(errors[0]?.message ?? 'refused')
    this.errors = errors
  }
}

export type Bounds = Pick<Settings, 'depthMax' | 'fieldsMax' | 'aliasesMax' | 'rootFieldsMax' | 'costMax'>

/** What a shape breaks, in words for the client. Pure. */
export const shapeFaults = (shape: Shape, bounds: Bounds): string[] => {
  const rows = [
    ['levels deep', shape.depth, bounds.depthMax],
    ['fields', shape.fields, bounds.fieldsMax],
    ['aliases', shape.aliases, bounds.aliasesMax],
    ['fields of the operation itself', shape.rootFields, bounds.rootFieldsMax],
  ] as const
  return rows.flatMap(([what, is, max]) => (is > max ? [`the document has ${is} ${what}; ${max} are allowed`] : []))
}

export class Documents {
  readonly #schema: GraphQLSchema
  readonly #rules
  /** Valid ones, with what they were measured to be. */
  readonly #known = new Map<string, { document: DocumentNode; shape: Shape }>()

  /** @param introspection whether the schema itself may be asked for */
  constructor(schema: GraphQLSchema, introspection: boolean) {
    this.#schema = schema
    this.#rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]
  }

  /** @throws Refused */
  prepare(
    text: string,
    asked: { operationName?: string | null | undefined; variables?: Record<string, unknown> | null | undefined },
    bounds: Bounds,
  ): Prepared {
    const { document, shape } = this.#valid(text, bounds)
    // Bounds may have been lowered since it was kept.
    refuse(shapeFaults(shape, bounds))
    const operation = getOperationAST(document, asked.operationName)
    if (operation == null) throw refusal('which operation is meant is not clear: name one of the document')
    const { listItemsAssumed } = limits
    const cost = costOf(this.#schema, document, operation, { variables: asked.variables ?? {}, listItemsAssumed })
    if (cost > bounds.costMax) throw refusal(`the answer may have ${cost} fields; ${bounds.costMax} are allowed`)
    return { document, operation }
  }

  #valid(text: string, bounds: Bounds): { document: DocumentNode; shape: Shape } {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const document = parsed(text)
    const shape = measured(document)
    // Before it is validated, which takes longer the more fields there are.
    refuse(shapeFaults(shape, bounds))
    const errors = validate(this.#schema, document, this.#rules, { maxErrors: limits.validationErrorsMax })
    if (errors.length > 0) throw new Refused(errors)
    const [oldest] = this.#known.keys()
    if (this.#known.size >= limits.documentsMax && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(text, { document, shape })
    return { document, shape }
  }
}

const refusal = (detail: string): Refused =>
  new Refused([new GraphQLError(detail, { originalError: new Failure('invalid_request', detail) })])

const refuse = (faults: readonly string[]): void => {
  if (faults[0] !== undefined) throw refusal(faults[0])
}

const parsed = (text: string): DocumentNode => {
  try {
    return parse(text, { maxTokens: limits.tokensMax })
  } catch (error) {
    if (error instanceof GraphQLError) throw new Refused([error])
    throw error
  }
}

const measured = (document: DocumentNode): Shape => {
  try {
    return shapeOf(document)
  } catch (error) {
    if (error instanceof RangeError) throw refusal(error.message)
    throw error
  }
}
