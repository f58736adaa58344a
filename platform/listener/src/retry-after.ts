/** When a refused caller should come back. Pure. */

/** Seconds, where nobody knows better. */
export const retryAfterDefault = 1

/** Statuses that invite another try, and so must say when: RFC 9110, 10.2.3 (503), RFC 6585, 4 (429), and our own 504. */
export const needsRetryAfter = (status: number): boolean => status === 503 || status === 504 || status === 429

/** `headers` with a `retry-after`, where the status needs one and none is there. */
export function withRetryAfter(
  status: number,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (!needsRetryAfter(status)) return headers
  for (const name in headers) if (name.toLowerCase() === 'retry-after') return headers
  return { ...headers, 'retry-after': String(retryAfterDefault) }
}
