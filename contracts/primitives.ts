/** Schemas that several contracts use. */
import { z } from 'zod'

export const limits = {
  /** Bytes of an HTTP body. */
  bodyBytesMax: 1024 * 1024,
  /** Levels of arrays and objects in a JSON body or frame. */
  jsonDepthMax: 64,
  pageItemsDefault: 20,
  pageItemsMax: 100,
  orderLinesMax: 50,
  lineQuantityMax: 1000,
  idempotencyKeyCharsMax: 128,
  emailCharsMax: 254,
  /** At least, by NIST SP 800-63B; at most, so that hashing one costs what hashing any other does. */
  passwordCharsMin: 8,
  passwordCharsMax: 200,
  nameCharsMax: 100,
  /** Bytes of a WebSocket frame from a client. */
  frameBytesMax: 64 * 1024,
} as const

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is there to refuse them
const oneLine = /^(?=.*\S)[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+$/

/**
 * One line for people to read, as it may enter a mail or a log: no control characters, no line or paragraph separators,
 * nothing that turns the direction of what follows (Unicode 16, 23.2 and 23.3), and not blank. Taken without the spaces
 * around it.
 */
export const lineOfText = (charsMax: number) =>
  z.string().trim().min(1).max(charsMax).regex(oneLine, { message: 'one line of text, without control characters' })

export const id = z.uuid().meta({ description: 'UUID', examples: ['0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e'] })
export const productId = z
  .string()
  .regex(/^P-\d{4}$/)
  .meta({ description: 'Product number', examples: ['P-1001'] })
/** Whether a string from outside may be looked up as an id. */
export const isId = (value: string): boolean => id.safeParse(value).success
/** RFC 3339, UTC. */
export const time = z.iso.datetime().meta({ description: 'RFC 3339 time, UTC' })
export const quantity = z.int().min(1).max(limits.lineQuantityMax)

/** Money that computes: an integer count of the currency's minor unit. */
export const money = z.strictObject({
  amountMinor: z.int().min(0),
  currency: z.literal('EUR'),
})
export type Money = z.output<typeof money>

/** The decimal number shown beside the money, never computed with. */
export const displayPrice = z.number().min(0).meta({ description: 'For display only; compute with the minor units' })
/** The amount in whole units of its currency, for people and for JSON numbers: 4990 cents are 49.9. */
export const toDisplay = (value: Money): number => value.amountMinor / 100

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMax).default(limits.pageItemsDefault),
  cursor: z.string().max(200).optional().meta({ description: 'Opaque; take it from the Link header' }),
}

export const byId = z.strictObject({ id })
