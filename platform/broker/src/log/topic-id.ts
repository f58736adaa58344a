/** Topic ids: canonical UUID text above, 16 bytes on disk. */
import { InvalidAppend } from './errors.ts'

const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Throws InvalidAppend when the text isn't a lower-case UUID in its canonical form. */
export function topicIdToBytes(text: string): Buffer {
  if (!CANONICAL.test(text)) throw new InvalidAppend(`${JSON.stringify(text)} is not a topic id`)
  return Buffer.from(text.replaceAll('-', ''), 'hex')
}

/** A topic id as people read it: the 16 bytes as a UUID. */
export function topicIdToText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
