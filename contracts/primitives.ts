/** Schemas that several contracts use. */
import { z } from 'zod'

export const limits = {
  /** Bytes of an HTTP body. */
  bodyBytesMax: 1024 * 1024,
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
  /** Characters of an id as it comes in; ours are shorter. */
  idCharsMax: 100,
  /** Characters of If-Match and If-None-Match. */
  entityTagsCharsMax: 1_000,
  /** Faults that one problem names, and the characters of each text in it. */
  problemFaultsMax: 100,
  problemTextCharsMax: 2_000,
  /** Characters of an opaque token; the longest that is looked at. */
  tokenCharsMax: 2_000,
  traceIdCharsMax: 32,
  /** Characters of what people read in lists: names of products, titles of notifications. */
  labelCharsMax: 200,
  /** Characters of a sentence or two: reasons, details of a step. */
  sentenceCharsMax: 2_000,
  /** Bytes of a WebSocket frame from a client. */
  frameBytesMax: 64 * 1024,
} as const

/**
 * Spaces, and what is drawn as nothing: Default_Ignorable_Code_Point of Unicode 16 and the empty Braille cell. Spelled
 * out, since a pattern of JSON Schema has no flags; `isSeen` knows those beyond U+FFFF too.
 */
const unseen = String.raw`\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8`
/** Control characters, ends of lines and paragraphs, and what turns the direction of text. */
const unfit = String.raw`\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069`
const oneLine = new RegExp(`^(?=.*[^${unseen}])[^${unfit}]+$`)

const isSeen = (value: string): boolean => /[^\s\u2800\p{Default_Ignorable_Code_Point}]/u.test(value)
const seen = { message: 'at least one character that can be seen' }

/** Half of a surrogate pair is not a character: UTF-8 has none, and it would be stored as U+FFFD. No pattern need say so. */
const isWhole = (value: string): boolean => value.isWellFormed()
const whole = { message: 'text without halves of surrogate pairs' }

/**
 * One line for people to read, as it may enter a mail or a log: no control characters, no line or paragraph separators,
 * nothing that turns the direction of what follows (Unicode 16, 23.2 and 23.3), and not blank. Taken without the spaces
 * around it.
 */
export const lineOfText = (charsMax: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(charsMax)
    .regex(oneLine, { message: 'one line of text that can be seen, without control characters' })
    .refine(isSeen, seen)
    .refine(isWhole, whole)

/** Text as it may be kept: PostgreSQL has no U+0000 in it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is there to refuse it
const storable = /^[^\u0000]*$/
/** Text that every consumer can store, of whatever length its writer gives it (reliability rule 22). */
export const storedText = z.string().regex(storable, { message: 'text without U+0000' }).refine(isWhole, whole)
/** Text that may be stored, of several lines too. */
export const text = (charsMax: number) => storedText.max(charsMax)

/**
 * A whole number in a path or a query: decimal digits and nothing else, where `Number` would also take `0x10`, `1e1`,
 * spaces and nothing at all.
 */
export const wholeNumber = (min: number, max: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value),
    z.int().min(min).max(max),
  )

/** Lengths of RFC 5321, 4.5.3.1, and labels of RFC 1035, 2.3.1; no quoted local parts, no address literals. */
export const emailAddress = z
  .email({
    pattern:
      /^(?:[A-Za-z0-9_'+-]+\.)*[A-Za-z0-9_'+-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/,
  })
  .max(limits.emailCharsMax)
  .regex(/^[^@]{1,64}@/, { message: 'at most 64 characters before the @' })

/** An id that a service makes. */
export const id = z.uuid().meta({ description: 'UUID', examples: ['0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e'] })
/** A product number that inventory makes. */
export const productId = z
  .string()
  .regex(/^P-\d{4}$/)
  .max(6)
  .meta({ description: 'Product number', examples: ['P-1001'] })
/** Whether a string from outside may be looked up as an id: what has another form names nothing, and no database is asked. */
export const isId = (value: string): boolean => id.safeParse(value).success

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is there to refuse them
const idText = /^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069/\\]*$/
/**
 * An id as it comes from outside. How ours look is none of a client's business: one of another form names something that
 * isn't there. It is refused only where it could not be part of a path, or a line of a log.
 */
const opaqueIdLike = (description: string, example: string) =>
  z
    .string()
    .min(1)
    .max(limits.idCharsMax)
    .regex(idText, { message: 'an id: one line without control characters and slashes' })
    .refine(isWhole, whole)
    .meta({ description, examples: [example] })
export const opaqueId = opaqueIdLike('Opaque: as a service gave it', '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e')
export const opaqueProductId = opaqueIdLike('Opaque: as the catalogue has it', 'P-1001')
/** RFC 3339, UTC. */
export const time = z.iso.datetime().max(30).meta({ description: 'RFC 3339 time, UTC' })
export const quantity = z.int().min(1).max(limits.lineQuantityMax)

/** Money that computes: an integer count of the currency's minor unit. */
export const money = z.strictObject({
  amountMinor: z.int().min(0),
  currency: z.literal('EUR'),
})
export type Money = z.output<typeof money>

/** The decimal number shown beside the money, never computed with. */
export const displayPrice = z
  .number()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .meta({ description: 'For display only; compute with the minor units' })
/** The amount in whole units of its currency, for people and for JSON numbers: 4990 cents are 49.9. */
export const toDisplay = (value: Money): number => value.amountMinor / 100

export const pageQuery = {
  limit: wholeNumber(1, limits.pageItemsMax).default(limits.pageItemsDefault),
}
const opaque = { description: 'Opaque; take it from the Link header' }
/** Where the next page begins. Opaque to a client, and still checked: what no Link header can have said is refused. */
export const pageCursor = <S extends z.ZodType>(schema: S) => schema.optional().meta(opaque)

export const byId = z.strictObject({ id: opaqueId })
