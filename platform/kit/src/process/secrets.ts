/** What a log line must never hold. Pure. Looked for by name, at the top and one level below, as fields are logged here. */

const secretNames: ReadonlySet<string> = new Set([
  'password',
  'authorization',
  'accessToken',
  'refreshToken',
  'token',
  'cookie',
  'secret',
])
const censor = '[redacted]'

/**
 * Fields of a line with what is secret by its name replaced. A line that has nothing of the kind, as nearly every one, is
 * neither copied nor changed: pino's own redaction copies each line, and cost the gateway more than writing it as JSON.
 *
 * @returns the same object, or a copy
 */
export const withoutSecrets = (fields: object): object => {
  let clean: Record<string, unknown> | undefined
  for (const [name, value] of Object.entries(fields)) {
    const safe = secretNames.has(name) ? censor : typeof value === 'object' && value !== null ? level(value) : value
    if (safe === value) continue
    clean ??= { ...fields }
    clean[name] = safe
  }
  return clean ?? fields
}

/** An error stays one: what is secret is covered on an object behind which it is. */
const level = (value: object): object => {
  const secret = Object.keys(value).filter((name) => secretNames.has(name))
  if (secret.length === 0) return value
  const cover = Object.fromEntries(secret.map((name) => [name, censor]))
  return value instanceof Error ? Object.assign(Object.create(value) as object, cover) : { ...value, ...cover }
}
