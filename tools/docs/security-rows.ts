/**
 * What three public lists of weaknesses ask for, what is done here, and the tests that show it. Drawn into
 * docs/security.md; a test asserts that every named test exists. `not met` is said as plainly as the rest.
 * Long because it is one list.
 */

/** A test: its file and (the beginning of) its name, or of the describe block that holds it. */
export type Shown = readonly [file: string, name: string]

export interface SecurityRow {
  readonly id: string
  readonly title: string
  readonly done: string
  readonly shown: readonly Shown[]
  /** What is not met, or why the row does not apply. */
  readonly missing?: string
}

/** Names tests of one file. */
export const testsOf =
  (file: string) =>
  (name: string): Shown => [file, name]

const matrix: Shown = ['lab/whole/access-matrix.ts', 'who may do what']
const badInput: Shown = ['lab/whole/bad-input.ts', 'bad input']
/** The gateway's port, from outside. */
export const edge = testsOf('services/gateway/test/edge.test.ts')
const identity = testsOf('platform/kit/test/identity.test.ts')
const httpServer = testsOf('platform/kit/test/http-server.test.ts')
const console_ = testsOf('console/bff/test/console.test.ts')
const tokens = testsOf('services/users/test/tokens.test.ts')
const login = testsOf('services/users/test/login.test.ts')
const processes = testsOf('lab/whole/processes.ts')
const versions: Shown = ['tools/tidy.test.ts', 'versions']

/** OWASP API Security Top 10, 2023. */
export const apiTop10: readonly SecurityRow[] = [
  {
    id: 'API1',
    title: 'Broken object level authorization',
    done: "Every read and write filters by the caller; somebody else's order, user, payment or delivery is a 404.",
    shown: [matrix],
  },
  {
    id: 'API2',
    title: 'Broken authentication',
    done: 'Opaque access tokens, stored hashed; refresh tokens good once; argon2id; counted guesses; 60 s tokens inside.',
    shown: [
      login('failed logins are throttled'),
      tokens('a refresh token is good once'),
      identity('refuses other algorithms'),
    ],
    missing: 'No second factor. No proof that an e-mail address belongs to who registers it.',
  },
  {
    id: 'API3',
    title: 'Broken object property level authorization',
    done: 'Contracts are strict objects both ways: unknown fields are refused, price, status and role are nobody’s to send.',
    shown: [badInput, ['lab/whole/bad-input.ts', 'of every user alike']],
  },
  {
    id: 'API4',
    title: 'Unrestricted resource consumption',
    done: 'Bodies, pages, frames, streams, connections, requests in flight, queues and hashing are bounded, in all and per client.',
    shown: [
      ['services/gateway/test/limit-suite.ts', 'no minute, wherever it begins'],
      edge('one address is limited before its token is looked at'),
      httpServer('sheds what is too much with 503'),
      ['services/gateway/test/crowd.test.ts', 'do not keep a new client out'],
      ['services/gateway/src/in-flight.test.ts', 'no address does, whoever is behind it'],
      httpServer('counts a request when its body is there'),
      ['services/gateway/test/sockets.test.ts', 'an address has a limited number of streams'],
      ['platform/kit/test/grpc-crowd.test.ts', 'makes room, at the cost of the longest silent'],
      ['outside/mail-sink/test/mail-sink.test.ts', 'make room for a newcomer'],
      ['platform/broker/test/crowd.test.ts', 'hold no memory that others wait for'],
    ],
  },
  {
    id: 'API5',
    title: 'Broken function level authorization',
    done: 'Deny by default: an operation that names nobody is nobody’s. The services judge again what the gateway judged.',
    shown: [matrix, ['lab/whole/access-matrix.ts', 'the services themselves take nothing without']],
  },
  {
    id: 'API6',
    title: 'Unrestricted access to sensitive business flows',
    done: 'One order per Idempotency-Key, 100 requests a minute per user, stricter limits for registration and login.',
    shown: [edge('a route may have a limit of its own')],
    missing: 'No defence against many registered users who buy up the stock: no CAPTCHA, no device fingerprint.',
  },
  {
    id: 'API7',
    title: 'Server side request forgery',
    done: 'No operation takes a URL. The gateway calls addresses out of discovery only, and there only instances that signed their registration, or what a route names as unsigned; discovery’s own health probes go where a registration says, so discovery is for this machine only.',
    shown: [
      ['services/gateway/src/target.test.ts', 'what two readers could understand differently'],
      ['services/gateway/test/false-callee.test.ts', 'is reached by none of 64 requests through the gateway'],
    ],
    missing:
      'Whoever can reach discovery can make it send GET requests to any address (its HTTP checks), as with Consul without ACL.',
  },
  {
    id: 'API8',
    title: 'Security misconfiguration',
    done: 'Loopback only; wrong configuration is refused with every fault named; errors are problem+json without inner details; security headers; no CORS but an allow-list.',
    shown: [
      edge('pages of the allow-list may read answers'),
      httpServer('answers an unknown error bare'),
      ['services/users/src/accounts.test.ts', 'the well-known administrator'],
      ['platform/listener/src/hosts.test.ts', 'is foreign on loopback'],
    ],
    missing: 'No TLS in the embedded profile: put a proxy before it.',
  },
  {
    id: 'API9',
    title: 'Improper inventory management',
    done: 'The OpenAPI document is made from the contracts that the servers run; a route that no contract names does not exist; one list of all listeners.',
    shown: [
      ['system/listeners.test.ts', 'every port of every process has a row'],
      ['lab/whole/listeners.ts', 'has every port that a process really listens on'],
      ['contracts/openapi-limits.test.ts', 'it names the refusals of the gateway itself'],
      ['services/gateway/test/allow.test.ts', 'at every path of the document Allow names'],
    ],
  },
  {
    id: 'API10',
    title: 'Unsafe consumption of APIs',
    done: 'Answers of other services, of discovery and of the payment processor are parsed by schemas, bounded in size and time.',
    shown: [['services/gateway/test/failures.test.ts', 'a service that does not answer in time is 504']],
  },
]

/** OWASP Top 10, 2025. */
export const top10: readonly SecurityRow[] = [
  {
    id: 'A01',
    title: 'Broken access control',
    done: 'As API1, API3 and API5. What the console changes needs JSON, its own origin and the token of its session.',
    shown: [matrix, console_('a process is killed only by a page of ours')],
  },
  {
    id: 'A02',
    title: 'Security misconfiguration',
    done: 'As API8. Containers run as a user of their own; every database role reaches its own database only.',
    shown: [['lab/whole/command-line.ts', 'db: the service’s own rights']],
  },
  {
    id: 'A03',
    title: 'Software supply chain failures',
    done: 'Exact versions, a lock file with hashes, checked by a rule.',
    shown: [versions],
    missing:
      'Install scripts of packages run. No SBOM is published, packages are not audited for malice, images are pinned by tag until their digests are filled in.',
  },
  {
    id: 'A04',
    title: 'Cryptographic failures',
    done: 'argon2id, Ed25519, 32 random bytes a token, SHA-256 at rest; keys readable by their owner only. Node’s own cryptography and jose, nothing home-made.',
    shown: [tokens('no token is in the database as it is'), identity('refuses other algorithms')],
    missing: 'Data at rest isn’t encrypted; links between processes on one machine aren’t either.',
  },
  {
    id: 'A05',
    title: 'Injection',
    done: 'SQL by parameters only, logs are JSON, pages are built without inline scripts, header values are checked.',
    shown: [badInput, ['services/gateway/src/headers.test.ts', 'nothing that a client says about identity']],
  },
  {
    id: 'A06',
    title: 'Insecure design',
    done: 'Every promise has a test that kills something; limits, access and the saga are data that one can read.',
    shown: [
      ['lab/checker/mixed.slow.test.ts', ''],
      ['lab/checker/sabotage.slow.test.ts', ''],
      ['platform/listener/src/connections.test.ts', 'never cuts one that works'],
    ],
  },
  {
    id: 'A07',
    title: 'Authentication failures',
    done: 'As API2.',
    shown: [login('failed logins are throttled'), tokens('blocking ends every token and login')],
    missing: 'No second factor.',
  },
  {
    id: 'A08',
    title: 'Software or data integrity failures',
    done: 'State is written behind checksums and refused when damaged; events carry ids and are handled once per consumer; tokens and registrations are signed.',
    shown: [
      identity('lets only the gateway speak for users'),
      ['platform/kit/src/calls/signed-registration.test.ts', 'is good for what it says'],
      ['platform/broker/src/log/damage.test.ts', ''],
      ['platform/broker/test/damage.test.ts', 'a damaged batch: its partition answers'],
    ],
    missing:
      'The broker and PostgreSQL believe whoever reaches their port with the right password or, for the broker, anybody.',
  },
  {
    id: 'A09',
    title: 'Security logging and alerting failures',
    done: 'Refusals are logged with a trace id, in UTC, without secrets; alerts are files beside the service levels.',
    shown: [
      processes('writes JSON lines only'),
      edge('the log line tells who asked what'),
      login('neither logs nor counters hold an address'),
      ['tools/monitoring.test.ts', 'rules and dashboards are as their lists say'],
    ],
    missing: 'Logs are kept on the machine that wrote them unless a collector is configured.',
  },
  {
    id: 'A10',
    title: 'Mishandling of exceptional conditions',
    done: 'No answer is half-done; anything unknown becomes a bare 500; nothing a stranger sends ends a process.',
    shown: [
      httpServer('answers an unknown error bare'),
      httpServer('answers what is not HTTP with a problem too'),
      ['platform/listener/src/http.test.ts', 'has no place when all its connections work, says so'],
      ['lab/whole/listeners.ts', 'bears whatever a stranger sends'],
      ['lab/checker/attack/suite.test.ts', 'a server that breaks is told from one that holds'],
    ],
  },
]

/** OWASP ASVS 5.0, by chapter. */
export const asvs: readonly SecurityRow[] = [
  {
    id: 'V1',
    title: 'Encoding and sanitization',
    done: 'Parameters in SQL, JSON in logs, React on the page; no shell is given a string from outside.',
    shown: [badInput, ['contracts/primitives.test.ts', 'text that PostgreSQL cannot keep is refused']],
  },
  {
    id: 'V2',
    title: 'Validation and business logic',
    done: 'Schemas at every edge; the saga’s table allows each step in its state only; limits per user and address.',
    shown: [
      badInput,
      ['services/orders/src/saga.test.ts', ''],
      ['services/gateway/src/in-flight.test.ts', 'no user does, whatever the addresses'],
    ],
  },
  {
    id: 'V3',
    title: 'Web frontend security',
    done: 'Content-Security-Policy without inline scripts, SameSite cookies, CSRF token, no third-party content.',
    shown: [console_('is built once, and allows nothing from elsewhere'), console_('opens for our own page alone')],
    missing: 'The cookie is not `__Host-` and not Secure, since the page is served over HTTP on loopback.',
  },
  {
    id: 'V4',
    title: 'API and web service',
    done: 'Ambiguous requests are refused (RFC 9112, 11.2), media types are checked, WebSockets check Origin and take no token in the query.',
    shown: [
      edge('a request that two readers could understand differently'),
      ['services/gateway/test/sockets.test.ts', 'no token, a bad token, a foreign page'],
    ],
  },
  {
    id: 'V5',
    title: 'File handling',
    done: 'No operation takes or gives a file by name.',
    shown: [],
    missing: 'Does not apply: there are no uploads. The console serves the files of its own build only.',
  },
  {
    id: 'V6',
    title: 'Authentication',
    done: 'argon2id with bounded concurrency, counted guesses, the same time for unknown addresses, no composition rules, common passwords refused.',
    shown: [
      login('failed logins are throttled'),
      ['services/users/src/passwords.test.ts', 'a password verifies against its own hash only'],
      ['services/users/src/password-policy.test.ts', 'the most common passwords are refused'],
    ],
    missing: 'Second factors, password recovery and verified addresses are not built.',
  },
  {
    id: 'V7',
    title: 'Session management',
    done: 'Server-side tokens; refresh rotation with revocation of the family, and ten seconds in which a repeat gets the same answer; 30 days at most; logging out, a new password and blocking end them at once, sockets included (within 30 s while the broker is away: then the gateway does not hear of it).',
    shown: [
      ['services/users/test/sessions.test.ts', 'a session ends its days after the login'],
      ['services/users/test/sessions.test.ts', 'a new password takes the place'],
      ['services/gateway/test/sockets.test.ts', 'who signs out is closed'],
      tokens('a refresh token is good once'),
      edge('a blocked user is out with the next request'),
      ['services/gateway/test/sockets.test.ts', 'a socket ends with its token'],
    ],
  },
  {
    id: 'V8',
    title: 'Authorization',
    done: 'One `access` field per operation, enforced at the gateway and at the service.',
    shown: [matrix, ['platform/kit/src/identity/access.test.ts', 'access for']],
  },
  {
    id: 'V9',
    title: 'Self-contained tokens',
    done: 'RFC 9068 with a fixed algorithm, type, issuer by key, audience and age.',
    shown: [
      identity('refuses'),
      identity('stops accepting a token'),
      ['services/gateway/test/clock.test.ts', 'when the clock of users is an hour behind'],
    ],
  },
  {
    id: 'V10',
    title: 'OAuth and OIDC',
    done: 'Authorization code with PKCE for every client, exact redirects, rotating refresh tokens; introspection (RFC 7662) and token exchange inside.',
    shown: [],
    missing:
      'Scripts of our own log in by password (`POST /auth/login`); back-channel logout from another provider is not heard.',
  },
  {
    id: 'V11',
    title: 'Cryptography',
    done: 'As A04. Keys are made at the first start and can be rotated while requests run.',
    shown: [identity('learns a rotated key without a restart')],
    missing: 'No inventory of keys, no hardware protection.',
  },
  {
    id: 'V12',
    title: 'Secure communication',
    done: 'Loopback by default.',
    shown: [],
    missing: 'Not met: no TLS, inside or outside, in the embedded profile.',
  },
  {
    id: 'V13',
    title: 'Configuration',
    done: 'Secrets are made at the first start, in files of their owner alone; least rights per database role; unknown configuration is refused.',
    shown: [
      ['lab/whole/command-line.ts', 'db: the service’s own rights'],
      ['platform/kit/test/settings.test.ts', ''],
    ],
  },
  {
    id: 'V14',
    title: 'Data protection',
    done: '`no-store` on tokens, nothing personal in logs or in URLs; mails, spans and ledgers are their owner’s files.',
    shown: [processes('writes JSON lines only'), login('neither logs nor counters hold an address')],
    missing: 'No deletion of a user’s data on request: events keep names and addresses as long as topics are retained.',
  },
  {
    id: 'V15',
    title: 'Secure coding and architecture',
    done: 'As A03; parsers are bounded; `__proto__` is refused in JSON; concurrent changes are decided by the database.',
    shown: [versions, ['services/orders/test/order-store.test.ts', '']],
  },
  {
    id: 'V16',
    title: 'Security logging and error handling',
    done: 'As A09 and A10.',
    shown: [processes('writes JSON lines only'), httpServer('answers an unknown error bare')],
  },
  {
    id: 'V17',
    title: 'WebRTC',
    done: '',
    shown: [],
    missing: 'Does not apply: there is none.',
  },
]
