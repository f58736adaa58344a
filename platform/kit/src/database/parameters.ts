/**
 * Values of a statement as PostgreSQL reads them from text. Lists become array literals
 * (https://www.postgresql.org/docs/18/arrays.html#ARRAYS-INPUT), other objects JSON.
 */

/** A parameter as it travels: null, bytes as they are, everything else as text. */
export function parameterOf(value: unknown): string | Buffer | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return arrayOf(value)
  if (Buffer.isBuffer(value)) return value
  if (value instanceof Date) return value.toISOString()
  return JSON.stringify(value)
}

const arrayOf = (values: readonly unknown[]): string => {
  let text = '{'
  for (let index = 0; index < values.length; index++) text += (index === 0 ? '' : ',') + elementOf(values[index])
  return `${text}}`
}

const elementOf = (value: unknown): string => {
  if (Array.isArray(value)) return arrayOf(value)
  if (Buffer.isBuffer(value)) return `"\\\\x${value.toString('hex')}"`
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = parameterOf(value) as string | null
  return text === null ? 'NULL' : `"${/["\\]/.test(text) ? text.replaceAll(/["\\]/g, '\\$&') : text}"`
}
