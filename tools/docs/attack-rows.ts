/**
 * Attacks on the gateway's ports that have a name, the bound that each meets, and the tests that show it. Drawn into
 * docs/security.md; a test asserts that every named test exists. The bounds are those of services/gateway/src/config.ts.
 */
import { edge, type Shown, testsOf } from './security-rows.ts'

export interface AttackRow {
  readonly attack: string
  /** What happens, and from when on. */
  readonly bound: string
  readonly shown: readonly Shown[]
}

const http2 = testsOf('platform/listener/test/http2.test.ts')
const unread = testsOf('platform/listener/test/http2-unread.test.ts')
const http1 = testsOf('platform/listener/src/http.test.ts')
const unread1 = testsOf('platform/listener/test/http1-unread.test.ts')
const upstreams = testsOf('services/gateway/src/upstream/upstreams.test.ts')

/** The attacks, in the order in which they meet the gateway. */
export const attacks: readonly AttackRow[] = [
  {
    attack: '10,000 idle connections',
    bound: '4,096 stay, 2,048 of one address; at a bound the one that waits longest goes, and a new client is served',
    shown: [
      ['services/gateway/test/crowd.test.ts', 'idle connections at the port with'],
      ['services/gateway/test/crowd.test.ts', 'do not keep a new client out'],
    ],
  },
  {
    attack: 'silent TLS handshakes',
    bound: '256 under way, 5 s each; the oldest goes',
    shown: [http2('a handshake that nobody finishes makes room'), http2('a handshake that takes too long ends')],
  },
  {
    attack: 'slow headers (Slowloris), a byte or a CONTINUATION at a time',
    bound: '10 s for all of them; 408 over HTTP/1.1, the end of the connection over HTTP/2',
    shown: [http1('holds its time for'), http2('headers that come byte by byte end the connection')],
  },
  {
    attack: 'headers too large or too many, long targets',
    bound:
      '16 KiB, 100 fields, targets of 8,192 characters: 431, 400 and 414 over HTTP/1.1; over HTTP/2 the stream is reset',
    shown: [
      edge('what is too long says so, and the connection ends'),
      edge('too many headers'),
      http2('headers beyond the limit, in bytes or in number'),
    ],
  },
  {
    attack: 'HPACK bomb',
    bound: '16 KiB of header section, counted unpacked: the stream is reset',
    shown: [http2('an HPACK bomb is stopped at the limit of the header section')],
  },
  {
    attack: 'CONTINUATION without end (CVE-2024-27983), empty ones',
    bound: 'the connection ends',
    shown: [http2('a header block without end (CVE-2024-27983)'), http2('empty CONTINUATIONs')],
  },
  {
    attack: 'rapid reset (CVE-2023-44487)',
    bound: '200 streams taken back at once, then 20 a second; then the connection ends',
    shown: [http2('rapid reset (CVE-2023-44487)')],
  },
  {
    attack: 'floods of PING and SETTINGS, of broken requests',
    bound: 'the connection ends when nobody reads the answers; after 100 faults',
    shown: [http2('a flood of PINGs or SETTINGS'), http2('broken requests on the same connection')],
  },
  {
    attack: 'smuggling over HTTP/1.1',
    bound: 'what two readers could understand differently is 400, and the connection ends',
    shown: [edge('a request that two readers could understand differently'), edge('no spelling of a path reaches')],
  },
  {
    attack: 'smuggling by downgrade, HTTP/2 to HTTP/1.1',
    bound: 'the stream is reset, or the field left out; nothing of it is passed on',
    shown: [
      ['services/gateway/test/secure.test.ts', 'gets through to nobody'],
      http2('two names that contradict each other are refused'),
    ],
  },
  {
    attack: 'smuggling in an answer: a service that two readers could understand differently',
    bound: '502, and its connection ends',
    shown: [['services/gateway/test/answers-reference.test.ts', 'what is not well formed is refused']],
  },
  {
    attack: 'slow bodies',
    bound: '30 s for a whole request, then 408; until its body is there it holds no place among the requests in flight',
    shown: [
      ['services/gateway/test/body.test.ts', 'bodies that never come hold nobody up'],
      http1('holds its time for'),
      http2('a body that does not come is 408'),
    ],
  },
  {
    attack: 'bodies too large',
    bound: '1 MiB, then 413: before it is read, or as soon as it is seen',
    shown: [['services/gateway/test/body.test.ts', 'a body over 1 MiB is refused']],
  },
  {
    attack:
      'answers left unread over HTTP/2: a window of 0, one that is never opened again, a connection not read from',
    bound:
      '30 s in which nothing leaves, or of a long answer less than some 32 KiB, then the stream is reset (CANCEL); refusals and WebSockets too. A connection that isn’t read from ends after the 65 s without requests',
    shown: [
      unread('answer for which the client’s window stays shut is dropped'),
      unread('takes the first window and never opens it again'),
      unread('a refusal that nobody reads is said once, and dropped'),
      unread('a stream of events goes on being unread though more is written behind it'),
      unread('a connection whose client reads nothing at all ends'),
      unread('who reads slowly, a piece of the answer at a time, gets all of it'),
      unread('is not one who doesn’t read'),
    ],
  },
  {
    attack:
      'answers left unread over HTTP/1.1, those of the gateway’s own and of pipelined requests too, or taken back in the middle',
    bound:
      '30 s in which nothing leaves, or of a large answer less than a third of the kernel’s buffer, then the connection ends, on every listener; of a service’s answer that was taken back nothing more is read',
    shown: [
      unread1('an answer that nobody reads ends with its connection'),
      unread1('answers to pipelined requests that nobody reads'),
      unread1('so it is in TLS'),
      unread1('who reads slowly gets all of it'),
      unread1('a stream with nothing to send'),
      upstreams('a client that leaves its answer unread doesn’t keep the connection by it'),
      upstreams('isn’t read for a receiver that is gone'),
      ['services/gateway/test/cache.test.ts', 'isn’t read on for a client of HTTP'],
    ],
  },
  {
    attack: 'WebSockets that aren’t read',
    bound: '30 s in which nothing can be passed on, then the client is cut; 20 of a user, 500 of an address',
    shown: [
      ['services/gateway/src/tunnel.test.ts', 'a client that reads nothing is cut'],
      unread1('what is sent on an upgraded connection and not read'),
      unread('so does a WebSocket'),
      ['services/gateway/test/sockets.test.ts', 'a user has at most twenty sockets'],
    ],
  },
  {
    attack: 'WebSockets of foreign pages (Origin)',
    bound: '403 unless the origin is the gateway’s own or one of `socketOrigins`, over HTTP/2 too',
    shown: [
      ['services/gateway/test/sockets.test.ts', 'no token, a bad token, a foreign page'],
      ['services/gateway/test/sockets-http2.test.ts', 'a handshake is refused on its stream as elsewhere'],
      edge('a name that a stranger pointed here is refused, for sockets too'),
    ],
  },
  {
    attack: 'GraphQL bombs: deep, broad, aliased, doubling and circular fragments, pages of pages',
    bound: '12 levels, 300 fields, 30 aliases, a cost of 5,000: 400 before anybody is asked',
    shown: [
      ['lab/whole/graph.ts', 'bombs are refused before anybody is asked'],
      ['services/graphql/src/measure.test.ts', 'each bound is named when it is broken'],
      [
        'services/graphql/src/measure.test.ts',
        'a document whose fragments double each other is measured, not unfolded',
      ],
      ['services/graphql/src/measure.test.ts', 'a bomb of pages is beyond the limit'],
    ],
  },
]
