/** HTTP/1.1 (RFC 9112) as no client speaks it. */
import type { Attack, AttackContext } from './attack.ts'
import type { Step } from './wire.ts'

const http = ['http', 'control'] as const
/** The control socket has no name: it is a file of its owner. */
const named = ['http'] as const

const soon: Step = { until: 'closed', ms: 150 }
const answered: Step = { until: 'answered', ms: 2_000 }

const host = ({ port }: AttackContext) => `Host: 127.0.0.1:${port}`
const head = (context: AttackContext, method: string, target: string, lines: readonly string[] = []) =>
  `${method} ${target} HTTP/1.1\r\n${[host(context), ...lines].join('\r\n')}\r\n\r\n`
const good = (context: AttackContext) => head(context, 'GET', context.listener.alive ?? '/')
const socketHead = (context: AttackContext, target: string) =>
  head(context, 'GET', target, [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ])

/** A reset meets a socket in every state: while the answer is made, while it is written, and when it is there. */
const resets = (name: string, send: (context: AttackContext) => string): Attack[] => [
  { name: `${name}, then a reset`, protocols: http, steps: (context) => [{ send: send(context) }, 'reset'] },
  {
    name: `${name}, then a reset a moment later`,
    protocols: http,
    steps: (context) => [{ send: send(context) }, { until: 'closed', ms: 20 }, 'reset'],
  },
  {
    name: `${name}, answered, more bytes, then a reset`,
    protocols: http,
    steps: (context) => [{ send: send(context) }, { until: 'answered', ms: 300 }, { send: '\x81\x85' }, 'reset'],
  },
  {
    name: `${name}, then a half-close`,
    protocols: http,
    steps: (context) => [{ send: send(context) }, 'half-close', soon],
  },
]

export const upgradeAttacks: readonly Attack[] = [
  ...resets('CONNECT', () => 'CONNECT a:1 HTTP/1.1\r\n\r\n'),
  ...resets('CONNECT to itself', (context) => head(context, 'CONNECT', `127.0.0.1:${context.port}`)),
  ...resets('an upgrade of /', (context) => socketHead(context, '/')),
  ...resets('an upgrade of the socket’s path', (context) => socketHead(context, context.listener.webSocket ?? '/ws')),
  ...resets('an upgrade of //', (context) => socketHead(context, '//')),
  ...resets('an upgrade to something unknown', (context) =>
    head(context, 'GET', '/', ['Connection: Upgrade', 'Upgrade: nonsense']),
  ),
  ...resets('an upgrade to h2c', (context) =>
    head(context, 'GET', '/', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']),
  ),
  ...resets(
    'a POST with an upgrade and a body',
    (context) => `${head(context, 'POST', '/', ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 5'])}he`,
  ),
]

const longPath = `/${'a'.repeat(10_000)}`
export const oddTargets: readonly string[] = [
  ...[
    '//',
    '///',
    '//\\',
    '/\\',
    '\\',
    '\\\\',
    '*',
    '/*',
    '?',
    '#',
    '',
    '/?',
    '/#',
    ':',
    '/:',
    '//a:b:c/',
    '//[',
    '//@',
    '//%',
  ],
  ...['/%', '/%0', '/%00', '/%zz', '/%c0%af', '/%ff%fe', '/%e2%82', '/%2e%2e/%2e%2e/', '/../../../../etc/passwd'],
  ...[
    'http://',
    'http://[',
    'http://other.example/',
    'http://localhost:99999/',
    'https://a@b@c/',
    'file:///etc/passwd',
  ],
  ...[
    '/\0',
    '/\x01',
    '/\x7f',
    '/\x80\xff',
    '/ HTTP/1.1 x',
    `/?${'a=1&'.repeat(2_000)}`,
    longPath,
    `/%${'25'.repeat(3_000)}`,
  ],
  ...['/__proto__', '/constructor', '/health/live/..;/', '/products/%00', '/logs/%', '/mails/999999999999999999999'],
]

const shown = (target: string) =>
  JSON.stringify(target.length > 40 ? `${target.slice(0, 20)}… (${target.length})` : target)

const oddMethods = ['OPTIONS', 'TRACE', 'TRACK', 'PROPFIND', 'BREW', 'get', 'G\0T', 'PRI', 'QUERY', 'X'.repeat(1_000)]

export const targetAttacks: readonly Attack[] = [
  ...oddTargets.map(
    (target): Attack => ({
      name: `the target ${shown(target)}`,
      protocols: http,
      steps: (context) => [{ send: head(context, 'GET', target, ['Connection: close']) }, answered],
    }),
  ),
  ...['//', '*', '\\', '/%', 'http://['].map(
    (target): Attack => ({
      name: `POST to the target ${shown(target)}`,
      protocols: http,
      steps: (context) => [
        { send: `${head(context, 'POST', target, ['Content-Length: 2', 'Connection: close'])}{}` },
        answered,
      ],
    }),
  ),
  ...oddMethods.map(
    (method): Attack => ({
      name: `the method ${shown(method)}`,
      protocols: http,
      steps: (context) => [{ send: head(context, method, '/', ['Connection: close']) }, answered],
    }),
  ),
  { name: 'OPTIONS *', protocols: http, steps: (context) => [{ send: head(context, 'OPTIONS', '*') }, answered] },
]

/** Names that a page of another site may have made to point here (DNS rebinding). */
const foreignHosts = [
  'rebound.example',
  'localhost.rebound.example',
  '127.0.0.1.rebound.example',
  '127.0.0.1@rebound.example',
]
const oddHosts = ['', '[::1', 'a b', 'localhost:99999', '\xff', 'x'.repeat(5_000)]

const withHost = (context: AttackContext, lines: readonly string[]) =>
  `GET ${context.listener.alive} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`

const refused =
  (what: string): NonNullable<Attack['judge']> =>
  ({ answer }) => {
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer.toString('latin1'))?.[1] ?? 400)
    return status >= 400 && status < 500 ? undefined : `${what} was answered ${status}`
  }

export const hostAttacks: readonly Attack[] = [
  ...foreignHosts.map(
    (name): Attack => ({
      name: `the Host ${name}`,
      protocols: named,
      steps: (context) => [{ send: withHost(context, [`Host: ${name}:${context.port}`]) }, answered],
      judge: refused(`a request for ${name}`),
    }),
  ),
  ...oddHosts.map(
    (name): Attack => ({
      name: `the Host ${shown(name)}`,
      protocols: named,
      steps: (context) => [{ send: withHost(context, [`Host: ${name}`]) }, answered],
    }),
  ),
  {
    name: 'no Host',
    protocols: named,
    steps: (context) => [{ send: withHost(context, []) }, answered],
    judge: refused('a request without Host'),
  },
  {
    name: 'two Hosts, the second a foreign one',
    protocols: named,
    steps: (context) => [{ send: withHost(context, [host(context), 'Host: rebound.example']) }, answered],
  },
  {
    name: 'a foreign Host with an upgrade, then a reset',
    protocols: named,
    steps: (context) => [
      { send: socketHead(context, '/').replace(/Host: [^\r]*/, 'Host: rebound.example') },
      { until: 'answered', ms: 300 },
      'reset',
    ],
  },
]

const heads: Readonly<Record<string, (context: AttackContext) => string>> = {
  'half a method': () => 'GE',
  'half a head': (context) => `GET / HTTP/1.1\r\n${host(context)}\r\nAcc`,
  'a head of 17 kB': (context) => head(context, 'GET', '/', [`X: ${'x'.repeat(17_000)}`]),
  'a head of 1 MB': (context) => head(context, 'GET', '/', [`X: ${'x'.repeat(1_000_000)}`]),
  'a head of 3,000 fields': (context) =>
    head(
      context,
      'GET',
      '/',
      Array.from({ length: 3_000 }, (_, n) => `X${n}: 1`),
    ),
  'a field with NUL': (context) => head(context, 'GET', '/', ['X: a\0b']),
  'a folded field': (context) => head(context, 'GET', '/', ['X: a', ' b']),
  'a field without a name': (context) => head(context, 'GET', '/', [': x']),
  'a space before the colon': (context) => head(context, 'GET', '/', ['Content-Length : 5']),
  'LF alone': (context) => good(context).replaceAll('\r\n', '\n'),
  'HTTP/0.9': () => 'GET /\r\n\r\n',
  'HTTP/9.9': (context) => good(context).replace('HTTP/1.1', 'HTTP/9.9'),
  'an HTTP/2 preface': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  'Content-Length and Transfer-Encoding': (context) =>
    `${head(context, 'POST', '/', ['Content-Length: 5', 'Transfer-Encoding: chunked'])}0\r\n\r\n`,
  'two lengths': (context) => `${head(context, 'POST', '/', ['Content-Length: 5', 'Content-Length: 6'])}hello!`,
  'a negative length': (context) => head(context, 'POST', '/', ['Content-Length: -1']),
  'a length of 2⁶⁴': (context) => `${head(context, 'POST', '/', ['Content-Length: 18446744073709551616'])}x`,
  'a length of 10¹⁵': (context) => `${head(context, 'POST', '/', ['Content-Length: 1000000000000000'])}x`,
  'a coding that nobody knows': (context) => head(context, 'POST', '/', ['Transfer-Encoding: gzip']),
  'Expect: 100-continue': (context) => head(context, 'POST', '/', ['Expect: 100-continue', 'Content-Length: 5']),
  'Expect: something else': (context) => head(context, 'POST', '/', ['Expect: more', 'Content-Length: 0']),
  'fifty requests at once': (context) => good(context).repeat(50),
  'a wrong authorization': (context) => head(context, 'GET', '/', [`Authorization: Bearer ${'\xff'.repeat(100)}`]),
  'a wrong traceparent': (context) => head(context, 'GET', '/', ['traceparent: 00-zz', 'tracestate: \x80']),
  'odd control fields': (context) =>
    head(context, 'GET', context.listener.alive ?? '/', [
      'X-Request-Timeout: NaN',
      'X-Deadline: -1',
      'Range: bytes=9-1',
      'Cookie: =;;=\x80',
      'If-None-Match: "',
      'X-Forwarded-For: ::::,,,%',
      'Accept-Encoding: \xff',
    ]),
}

export const headAttacks: readonly Attack[] = Object.entries(heads).flatMap(([name, send]): Attack[] => [
  { name, protocols: http, steps: (context) => [{ send: send(context) }, soon] },
  { name: `${name}, then a reset`, protocols: http, steps: (context) => [{ send: send(context) }, 'reset'] },
  {
    name: `${name}, then a half-close`,
    protocols: http,
    steps: (context) => [{ send: send(context) }, 'half-close', soon],
  },
])

const deep = '['.repeat(50_000)
const bodies: Readonly<
  Record<string, { readonly body: string; readonly fields?: readonly string[]; readonly length?: number }>
> = {
  'half a body': { body: '{"email":', length: 1_000 },
  'JSON 50,000 deep': { body: deep },
  'JSON 50,000 deep, closed': { body: `${deep}${']'.repeat(50_000)}` },
  'JSON that names a prototype': { body: '{"__proto__":{"x":1},"constructor":{"prototype":{}}}' },
  'JSON of the wrong kind': { body: '[null,1,"x"]' },
  'a JSON null': { body: 'null' },
  'no UTF-8': { body: '{"email":"\xc3\x28\xff"}' },
  'lone surrogates': { body: '{"email":"\\ud800@example.org","name":"\\udfff\\u0000"}' },
  'a number of 400 digits': { body: `{"amountMinor":${'9'.repeat(400)}}` },
  'gzip that is none': { body: 'nonsense', fields: ['Content-Encoding: gzip'] },
  'an empty body': { body: '' },
  'a body of 2 MB': { body: 'x'.repeat(2_000_000) },
  'a form': { body: 'a=%zz&b=%', fields: ['Content-Type: application/x-www-form-urlencoded'] },
  'a media type that is none': { body: '{}', fields: ['Content-Type: ;;/\x80'] },
}

const bodyHead = (context: AttackContext, fields: readonly string[]) => {
  const { method = 'POST', path = '/' } = context.listener.takesBody ?? {}
  const typed = fields.some((field) => field.startsWith('Content-Type')) ? [] : ['Content-Type: application/json']
  return head(context, method, path, [...typed, ...fields])
}

export const bodyAttacks: readonly Attack[] = [
  ...Object.entries(bodies).flatMap(([name, { body, fields = [], length = body.length }]): Attack[] => {
    const send = (context: AttackContext) => `${bodyHead(context, [...fields, `Content-Length: ${length}`])}${body}`
    return [
      { name, protocols: http, steps: (context) => [{ send: send(context) }, length > body.length ? soon : answered] },
      { name: `${name}, then a reset`, protocols: http, steps: (context) => [{ send: send(context) }, 'reset'] },
      {
        name: `${name}, then a half-close`,
        protocols: http,
        steps: (context) => [{ send: send(context) }, 'half-close', soon],
      },
    ]
  }),
  ...['zz\r\n', 'FFFFFFFFFFFFFFFFF\r\n', '5\r\nhel', '5;ext="\r\nhello\r\n', '0\r\nX: y', '-1\r\n'].map(
    (chunk): Attack => ({
      name: `the chunk ${JSON.stringify(chunk)}`,
      protocols: http,
      steps: (context) => [{ send: `${bodyHead(context, ['Transfer-Encoding: chunked'])}${chunk}` }, soon, 'reset'],
    }),
  ),
]

/** A head that never ends; who bears it longer than the limit is held up by anybody. */
export const slowHead = (context: AttackContext, ms: number): readonly Step[] => [
  { send: `GET / HTTP/1.1\r\n${host(context)}\r\n` },
  { drip: `X: ${'x'.repeat(Math.ceil(ms / 250))}`, everyMs: 250 },
]

/** A body of which one byte comes, and then nothing. */
export const slowBody = (context: AttackContext): string => `${bodyHead(context, ['Content-Length: 100'])}{`
