/**
 * Errors where they happened. The engine asks for the entities of a list together and gives each error the place of the
 * question, without the item that it is of; graphql-js keeps a place that an error has. So each error is given up its
 * place before graphql-js sees it, and gets that of the field that it came out of.
 */
import { defaultFieldResolver, GraphQLError, type GraphQLSchema, isIntrospectionType, isObjectType } from 'graphql'

/** The same schema; its resolvers' errors name the fields that they are of. */
export const locatingErrors = (schema: GraphQLSchema): GraphQLSchema => {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue
    for (const field of Object.values(type.getFields())) {
      const resolve = field.resolve ?? defaultFieldResolver
      field.resolve = (...call) => {
        const value = resolve(...call)
        return value instanceof Promise ? value.then(placeless, rejectPlaceless) : placeless(value)
      }
    }
  }
  return schema
}

const placeless = (value: unknown): unknown => {
  if (value instanceof Error) return withoutPlace(value)
  return Array.isArray(value) && value.some((item) => item instanceof Error) ? value.map(placeless) : value
}

const rejectPlaceless = (error: unknown): never => {
  throw placeless(error)
}

const withoutPlace = (error: Error): Error => {
  if (!(error instanceof GraphQLError) || error.path === undefined) return error
  const { message, originalError, extensions } = error
  return new GraphQLError(message, { originalError: originalError ?? null, extensions })
}
