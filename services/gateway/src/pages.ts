/** What the gateway shows of itself: where to begin, the public document, Swagger UI from its package (no CDN). */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Rules } from './admission.ts'
import { send, sendJson } from './answers.ts'
import type { Exchange } from './exchange.ts'
import type { Matcher } from './matcher.ts'
import { publicRoutes } from './public-routes.ts'

export type Page = (exchange: Exchange, rules: Rules) => void | Promise<void>

/** The page at this path, or undefined. GET and HEAD only. */
export type FindPage = (path: string) => Page | undefined

/**
 * The pages that the gateway serves itself: Swagger UI, the documents, health.
 * @param ready what readiness answers
 */
export const createPages = (ready: () => boolean): FindPage => {
  // Resolved from here, so that it is found from the sources and from a bundle alike (decision 0015).
  const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  const pages = new Map<string, Page>([
    ['/', welcome],
    ['/openapi.json', openApi()],
    ['/health', (exchange) => sendJson(exchange, ready() ? 200 : 503, { status: ready() ? 'up' : 'stopping' }, fresh)],
    ['/docs', (exchange) => send(exchange, 308, ['location', '/docs/'])],
    ['/docs/', (exchange) => send(exchange, 200, ['content-type', html, ...docsPolicy, ...fresh], docsPage)],
    ['/docs/start.js', (exchange) => send(exchange, 200, ['content-type', script, ...fresh], docsScript)],
    ...[...swaggerFiles].map(([name, type]): [string, Page] => [`/docs/${name}`, fileOf(join(swagger, name), type)]),
  ])
  return (path) => pages.get(path)
}

const html = 'text/html; charset=utf-8'
const script = 'text/javascript; charset=utf-8'
const fresh = ['cache-control', 'no-cache']

/** Nothing else of the package is served. */
const swaggerFiles: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', script],
  ['favicon-16x16.png', 'image/png'],
  ['favicon-32x32.png', 'image/png'],
])

/** Swagger UI sets styles of its own and draws with data: images; it loads nothing from elsewhere. */
const docsPolicy = [
  'content-security-policy',
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
]

const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Svyaz: API</title>
<link rel="icon" type="image/png" sizes="32x32" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</body>
</html>
`
const docsScript = `window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
})
`

const links = [
  { href: '/docs/', title: 'The API, to read and to try' },
  { href: '/openapi.json', title: 'The same as OpenAPI 3.1' },
  { href: '/health', title: 'Whether this gateway takes requests' },
  { href: '/products', title: 'The catalogue, for anyone' },
]

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 40rem; margin: 12vh auto; padding: 0 1.25rem }
h1 { font-weight: 650; letter-spacing: -.02em; margin: 0 }
p { margin: .25rem 0 2rem; opacity: .7 }
ul { list-style: none; margin: 0; padding: 0 }
a { display: block; padding: .85rem 0; border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); color: inherit; text-decoration: none }
a:hover strong, a:focus-visible strong { text-decoration: underline }
strong { display: inline-block; min-width: 9rem; font-weight: 600 }
`
/** The one style of the welcome page is let in by its digest; nothing else may load. */
const welcomePolicy = [
  'content-security-policy',
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
]
const welcomePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Svyaz</title>
<style>${style}</style>
<h1>Svyaz</h1>
<p>The gateway is here. Where to begin:</p>
<ul>
${links.map(({ href, title }) => `<li><a href="${href}"><strong>${href}</strong> ${title}</a>`).join('\n')}
</ul>
</html>
`

const welcome: Page = (exchange) => {
  if (/\btext\/html\b/.test(exchange.request.headers.accept ?? '')) {
    return send(exchange, 200, ['content-type', html, ...welcomePolicy, ...fresh], welcomePage)
  }
  sendJson(
    exchange,
    200,
    { name: 'Svyaz', docs: '/docs/', openapi: '/openapi.json', health: '/health', products: '/products' },
    fresh,
  )
}

/** Made once per set of routes. */
const openApi = (): Page => {
  let made: { match: Matcher; text: string } | undefined
  return async (exchange, { match }) => {
    if (made?.match !== match) {
      const { openApiDocument } = await import('@svyaz/contracts/openapi.ts')
      const info = {
        title: 'Svyaz',
        version: '1',
        description:
          'Everything that the gateway lets through. Log in with POST /auth/login and authorize with its accessToken.',
      }
      made = { match, text: JSON.stringify(openApiDocument(publicRoutes(match), info, 'gateway')) }
    }
    send(exchange, 200, ['content-type', 'application/json', ...fresh], made.text)
  }
}

/** Read at the first request and kept: 1.5 MB at most, and the package does not change under a running process. */
const fileOf = (path: string, type: string): Page => {
  let bytes: Promise<Buffer> | undefined
  return async (exchange) => {
    bytes ??= readFile(path)
    bytes.catch(() => {
      bytes = undefined
    })
    send(exchange, 200, ['content-type', type, 'cache-control', 'public, max-age=3600'], await bytes)
  }
}
