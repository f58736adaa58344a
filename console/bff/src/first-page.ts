/** What a page may do, and the two pages that stand in while the real one isn't there. */

/** Everything from here and nothing from elsewhere; no inline script or style. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "frame-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
}

const page = (head: string, body: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width">${head}<title>Svyaz</title>${body}</html>`

export const buildingPage = page(
  '<meta http-equiv="refresh" content="1">',
  '<h1>Svyaz</h1><p>The page is being built; it opens by itself in a moment.</p><p lang="ru">Страница собирается и через мгновение откроется сама.</p>',
)

/**
 * The page that is shown while the real one can't be.
 * @param words what went wrong, as text
 */
export const failedPage = (words: string): string =>
  page(
    '',
    `<h1>Svyaz</h1><p>The page could not be built.</p><pre>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</pre>`,
  )
