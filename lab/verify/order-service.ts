/**
 * A client that knows nothing but the assignment's document of the Order Service: it makes each request from the
 * document, and its answers are judged by the document alone.
 */
import { readFileSync } from 'node:fs'
import type { Answer, Ask } from '@svyaz/observe/http.ts'

interface Schema {
  readonly $ref?: string
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer'
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
}
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: 'query' | 'path'; readonly required: boolean }[]
  readonly responses: Readonly<
    Record<string, { readonly content?: { readonly 'application/json': { readonly schema: Schema } } }>
  >
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

export const orderServiceDocument = JSON.parse(
  readFileSync(new URL('./order-service.openapi.json', import.meta.url), 'utf8'),
) as Document

/** One request and what came of it, ready to be judged. */
export interface Exchange {
  /** `GET /orders/{id}`: the operation in the document. */
  readonly operation: string
  /** What is asked of it here. */
  readonly case: string
  /** The status that the document or HTTP itself gives this case. */
  readonly expected: number
  readonly status: number
  readonly body: unknown
}

type Send = (method: string, path: string, options?: Ask) => Promise<Answer>

/** What is ordered each time. */
export const replayed = { productId: 'P-1001', quantity: 2 } as const

/** Plays every operation of the document: the good case, and the ones that it names as refused. */
export async function replay(send: Send, user: { id: string; token: string }): Promise<Exchange[]> {
  const { token } = user
  const items = [replayed]
  const exchanges: Exchange[] = []
  const play = async (operation: string, what: string, expected: number, path: string, options: Ask = {}) => {
    const [method = ''] = operation.split(' ')
    const { status, body } = await send(method, path, { token, ...options })
    exchanges.push({ operation, case: what, expected, status, body })
    return body
  }
  const made = await play('POST /orders', 'with userId', 201, '/orders', { body: { userId: user.id, items } })
  await play('POST /orders', 'without userId', 201, '/orders', { body: { items } })
  await play('POST /orders', 'without items', 400, '/orders', { body: { userId: user.id } })
  await play('GET /orders', 'of a user', 200, `/orders?userId=${user.id}`)
  await play('GET /orders', 'without userId', 400, '/orders')
  await play('GET /orders/{id}', 'one that is there', 200, `/orders/${made.id}`)
  await play('GET /orders/{id}', 'one that is not', 404, '/orders/00000000-0000-4000-8000-000000000000')
  return exchanges
}

/** What of the exchanges is not as the document says. */
export function judgeExchanges(exchanges: readonly Exchange[], document: Document = orderServiceDocument): string[] {
  const played = new Set(exchanges.map(({ operation }) => operation))
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  return [
    ...operations.filter((operation) => !played.has(operation)).map((operation) => `${operation} was not played`),
    ...exchanges.flatMap(({ operation, case: what, expected, status, body }) => {
      const [method = '', path = ''] = operation.split(' ')
      const about = `${operation} ${what}`
      const documented = document.paths[path]?.[method.toLowerCase()]
      if (documented === undefined) return [`${operation} is not in the document`]
      if (status !== expected) return [`${about}: ${status} instead of ${expected}`]
      const schema = documented.responses[String(status)]?.content?.['application/json'].schema
      return schema === undefined ? [] : mismatches(schema, body, document, about)
    }),
  ]
}

interface SeenOrder {
  readonly id?: unknown
  readonly userId?: unknown
  readonly items?: readonly { readonly productId?: unknown; readonly quantity?: unknown }[]
  readonly totalPrice?: unknown
}

const asOrder = (value: unknown): SeenOrder => (typeof value === 'object' && value !== null ? value : {})

/**
 * Whether the answers are about what was asked: the right shape with another order in it, or with nothing, is not an answer.
 * @param unitMinor price of the ordered product, as the catalogue has it
 */
export function judgeMeaning(
  exchanges: readonly Exchange[],
  { userId, unitMinor }: { readonly userId: string; readonly unitMinor: number },
): string[] {
  const bodyOf = (operation: string, what: string) =>
    exchanges.find((one) => one.operation === operation && one.case === what)?.body
  const placed = [bodyOf('POST /orders', 'with userId'), bodyOf('POST /orders', 'without userId')].map(asOrder)
  const listed = bodyOf('GET /orders', 'of a user')
  const list = Array.isArray(listed) ? listed.map(asOrder) : []
  const read = asOrder(bodyOf('GET /orders/{id}', 'one that is there'))
  const total = (unitMinor * replayed.quantity) / 100
  const orderFaults = (order: SeenOrder, about: string): string[] => {
    const lines = Array.isArray(order.items) ? order.items : []
    const [line] = lines
    return [
      ...(order.userId === userId ? [] : [`${about}: it is of the user ${order.userId}, asked by ${userId}`]),
      ...(lines.length === 1 && line?.productId === replayed.productId && line?.quantity === replayed.quantity
        ? []
        : [`${about}: its items are ${JSON.stringify(lines)}`]),
      ...(order.totalPrice === total
        ? []
        : [`${about}: totalPrice is ${order.totalPrice}, the catalogue says ${total}`]),
    ]
  }
  return [
    ...placed.flatMap((order, at) => orderFaults(order, `POST /orders, ${at + 1}.`)),
    ...(read.id === placed[0]?.id ? [] : [`GET /orders/{id}: asked for ${placed[0]?.id}, answered ${read.id}`]),
    ...orderFaults(read, 'GET /orders/{id}'),
    ...placed
      .filter(({ id }) => !list.some((order) => order.id === id))
      .map(({ id }) => `GET /orders: ${id} was placed and is not in the list of ${list.length}`),
    ...list.flatMap((order) => orderFaults(order, `GET /orders, ${order.id}`)),
  ]
}

/** Where a value is not what a schema says. Members beyond the schema's are allowed, as JSON Schema has it. */
function mismatches(schema: Schema, value: unknown, document: Document, at: string): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? ''
    return mismatches(document.components.schemas[name] ?? {}, value, document, at)
  }
  if (!hasType(schema.type, value)) return [`${at}: ${JSON.stringify(value)} is not of type ${schema.type}`]
  if (Array.isArray(value))
    return value.flatMap((item, index) => mismatches(schema.items ?? {}, item, document, `${at}[${index}]`))
  if (schema.type !== 'object') return []
  const members = value as Record<string, unknown>
  return [
    ...(schema.required ?? []).filter((name) => !(name in members)).map((name) => `${at}: ${name} is missing`),
    ...Object.entries(schema.properties ?? {})
      .filter(([name]) => name in members)
      .flatMap(([name, inner]) => mismatches(inner, members[name], document, `${at}.${name}`)),
  ]
}

function hasType(type: Schema['type'], value: unknown): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'integer':
      return Number.isInteger(value)
    case undefined:
      return true
    default:
      return typeof value === type
  }
}
