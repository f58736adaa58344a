/**
 * Reads a mail as it came over SMTP: RFC 5322 headers, RFC 2047 encoded words, MIME (RFC 2045, 2046) with nested
 * multiparts, quoted-printable and base64. Enough for what mail libraries send; never throws, because a sink must keep
 * what it doesn't understand.
 */
export type Message = {
  /** Names in small letters, values unfolded and decoded; repeated ones joined by a line break. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly html?: string
  readonly attachments: readonly Attachment[]
}
export type Attachment = { readonly name: string; readonly contentType: string; readonly bytes: number }

const depthMax = 8
const partsMax = 200

/** Texts and attachments of a mail as it came over SMTP (RFC 5322, MIME). */
export function parseMessage(raw: Buffer): Message {
  const root = splitEntity(raw.toString('latin1'))
  const found: Found = { text: undefined, html: undefined, attachments: [], parts: 0 }
  walk(root, 0, found)
  const headers: Record<string, string> = {}
  for (const [name, value] of root.headers) {
    const decoded = decodeWords(value)
    headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}\n${decoded}` : decoded
  }
  return {
    headers,
    text: found.text ?? '',
    ...(found.html === undefined ? {} : { html: found.html }),
    attachments: found.attachments,
  }
}

type Entity = { readonly headers: readonly (readonly [string, string])[]; readonly body: string }
type Found = { text: string | undefined; html: string | undefined; attachments: Attachment[]; parts: number }

/** Works on Latin-1 text, in which each character is one byte. */
function splitEntity(entity: string): Entity {
  const blank = /^\r?\n|\r?\n\r?\n/.exec(entity)
  const head = blank === null ? entity : entity.slice(0, blank.index)
  const body = blank === null ? '' : entity.slice(blank.index + blank[0].length)
  const headers: [string, string][] = []
  for (const line of head.replace(/\r?\n(?=[ \t])/g, '').split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()])
  }
  return { headers, body }
}

function walk(entity: Entity, depth: number, found: Found): void {
  found.parts += 1
  if (depth > depthMax || found.parts > partsMax) return
  const contentType = parseParameters(headerOf(entity, 'content-type') || 'text/plain')
  const boundary = contentType.parameters.boundary
  if (contentType.value.startsWith('multipart/') && boundary !== undefined) {
    for (const part of splitParts(entity.body, boundary)) walk(splitEntity(part), depth + 1, found)
    return
  }
  const disposition = parseParameters(headerOf(entity, 'content-disposition'))
  const bytes = decodeTransfer(entity.body, headerOf(entity, 'content-transfer-encoding'))
  const content = () => decodeCharset(bytes, contentType.parameters.charset ?? 'utf-8').replaceAll('\r\n', '\n')
  if (disposition.value !== 'attachment' && contentType.value === 'text/plain' && found.text === undefined)
    found.text = content()
  else if (disposition.value !== 'attachment' && contentType.value === 'text/html' && found.html === undefined)
    found.html = content()
  else
    found.attachments.push({
      name: decodeWords(disposition.parameters.filename ?? contentType.parameters.name ?? ''),
      contentType: contentType.value,
      bytes: bytes.length,
    })
}

const headerOf = (entity: Entity, name: string) => entity.headers.find(([each]) => each === name)?.[1] ?? ''

/** `value; name=token; name="quoted \" text"; name*=utf-8''percent%20encoded` (RFC 2045, 5.1 and RFC 2231, 4). */
export function parseParameters(header: string): { value: string; parameters: Record<string, string> } {
  const value = (header.split(';', 1)[0] ?? '').trim().toLowerCase()
  const parameters: Record<string, string> = {}
  for (const match of header.matchAll(/;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g)) {
    const name = (match[1] ?? '').toLowerCase()
    const text = match[2] === undefined ? (match[3] ?? '') : match[2].replace(/\\(.)/g, '$1')
    if (!name.endsWith('*')) parameters[name] = text
    else {
      const [, charset = 'utf-8', encoded = ''] = /^([^']*)'[^']*'(.*)$/.exec(text) ?? []
      const bytes = encoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      )
      parameters[name.slice(0, -1)] = decodeCharset(Buffer.from(bytes, 'latin1'), charset)
    }
  }
  return { value, parameters }
}

/** The line break before a boundary belongs to the boundary (RFC 2046, 5.1.1). */
function splitParts(body: string, boundary: string): string[] {
  const escaped = boundary.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const delimiter = new RegExp(`(?:^|\\r?\\n)--${escaped}(--)?[ \\t]*(?=\\r?\\n|$)`, 'g')
  const parts: string[] = []
  let start: number | undefined
  for (const match of body.matchAll(delimiter)) {
    if (start !== undefined) parts.push(body.slice(start, match.index).replace(/^\r?\n/, ''))
    if (match[1] !== undefined) return parts
    start = match.index + match[0].length
  }
  if (start !== undefined) parts.push(body.slice(start).replace(/^\r?\n/, ''))
  return parts
}

function decodeTransfer(body: string, encoding: string): Buffer {
  const name = encoding.trim().toLowerCase()
  if (name === 'base64') return Buffer.from(body, 'base64')
  if (name !== 'quoted-printable') return Buffer.from(body, 'latin1')
  const joined = body.replace(/[ \t]+(?=\r?\n|$)/g, '').replace(/=\r?\n/g, '')
  return decodeQuoted(joined)
}

const decodeQuoted = (text: string) =>
  Buffer.from(
    text.replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )

const word = String.raw`=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bqBQ])\?([^?\s]*)\?=`

/**
 * Decodes encoded words (RFC 2047). White space between two of them is dropped (6.2). The bytes of neighbours in one
 * charset are joined before decoding, because senders do cut characters in two, although section 5 forbids it.
 */
export function decodeWords(value: string): string {
  const utf8 = Buffer.from(value, 'latin1').toString('utf8')
  return utf8.replace(new RegExp(`${word}(?:\\s+${word})*`, 'g'), (run) => {
    const pieces: { charset: string; bytes: Buffer }[] = []
    for (const [, charset = '', encoding = '', text = ''] of run.matchAll(new RegExp(word, 'g'))) {
      const bytes =
        encoding.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : decodeQuoted(text.replaceAll('_', ' '))
      const last = pieces.at(-1)
      if (last?.charset === charset.toLowerCase()) last.bytes = Buffer.concat([last.bytes, bytes])
      else pieces.push({ charset: charset.toLowerCase(), bytes })
    }
    return pieces.map((piece) => decodeCharset(piece.bytes, piece.charset)).join('')
  })
}

function decodeCharset(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return bytes.toString('utf8')
  }
}
