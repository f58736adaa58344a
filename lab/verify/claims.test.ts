/**
 * What a row says that `svyaz verify` does is what its judge looks at: each part of the text names the damage, tried
 * beside the proof, that shows it. The parts are the whole text, so that nothing can be claimed besides.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { requirements } from './assignment.ts'
import { proofs } from './proofs.ts'

/** For each row the parts of its text, in order, each with the titles of breaks that contradict it. */
const claims: Readonly<Record<string, readonly (readonly [part: string, ...breaks: string[]])[]>> = {
  'R1.1': [
    [
      'Every operation of /openapi.json is asked at the gateway',
      'an operation is not documented',
      'an operation is asked nothing but nonsense',
    ],
    ['a good request succeeds', 'one good request is refused', 'every operation is answered 503, as documented'],
    ['nonsense is refused without a 5xx', 'nonsense is answered 500, which every operation documents'],
    ['both with a status that the document lists', 'an operation breaks'],
    ['/docs/ is Swagger UI', 'Swagger UI is gone'],
    ['a trace shows orders asking users over HTTP', 'services no longer use HTTP'],
  ],
  'R1.2': [
    ['The calls of an order', 'a unary call is gone', 'payments is no longer called', 'stock is not asked for'],
    ['of GET /users/{id}?include=orders', 'users asks nobody'],
    ['of GET /orders/{id}/follow and', 'the server stream ends at once'],
    ['of a bulk restock are found in traces, caller and callee', 'the client stream loses a line'],
    ['positions of the parcel come', 'the bidirectional stream is silent'],
    ['and the trace of the stream they came by has TrackDeliveries', 'positions come by another way'],
  ],
  'R1.3': [
    ['A socket through the gateway gets a frame for each step of an order, in order', 'a step is not told'],
    [
      'one that reconnects with its cursor gets exactly the rest',
      'a frame is lost over the reconnection',
      'a frame comes twice',
    ],
  ],
  'R1.4': [
    [
      'GET /products over HTTP/1.1 and HTTP/2 at the gateway and over HTTP/3 at the edge in front of it, each by ALPN and with the certificate checked',
      'HTTP/2 is not spoken',
      'HTTP/3 is answered 502',
    ],
    ['the same answer three times', 'a product is missing over HTTP/3'],
    ['and the edge names HTTP/3 in Alt-Svc', 'nothing leads a browser to HTTP/3'],
  ],
  'R1.5': [
    [
      'One order.created is handled once by each of four groups',
      'a subscriber misses the event',
      'a subscriber handles it twice',
    ],
    [
      'each charge task of several orders by exactly one of two workers',
      'a task is lost',
      'one worker does it all',
      'two workers own one partition',
    ],
  ],
  'R1.6': [
    [
      'After POST /orders the trace shows inventory, payments and delivery handling that very event',
      'inventory does not react',
      'no payment order',
      'no draft',
    ],
    ['the mail about the payment carries the id of payment.completed', 'no mail'],
  ],
  'R1.7': [
    [
      'Each hop over HTTP and gRPC that traces of this run show is on the page of interactions with its reason',
      'services talk in a way that no page knows',
      'a reason is missing',
    ],
    [
      'every figure on the page, in both languages, is reckoned again from the raw output of the last bench',
      'one figure of the page is another than that of the raw output',
      'the bench was run again and the Russian page kept its figures',
      'the command is not that of the bench',
    ],
    ['all four ways', 'a way was not measured'],
  ],
  'R1.8': [
    ['One question at /graphql joins an order', 'the order is not there', 'a field could not be had'],
    ['with its user', 'users is away'],
    ['its products', 'a product is another one'],
    ['its payment', 'the payment is missing'],
    ['and its parcel as REST describes them', 'the parcel is not that of REST'],
    ['its trace shows five services', 'one service answers for another'],
    ['each asked once by the router', 'a service is asked again for each product'],
    ['and needing one SQL statement', 'each product costs a statement'],
    ['for another user the order is null', 'another user sees the order'],
    ['with not_found', 'another user is told that it exists'],
  ],
  'R2.1': [
    ['Register, log in', 'a new user is not signed in', 'a wrong password is let in'],
    [
      'refresh',
      'a refresh token is good for nothing',
      'refresh tokens are good twice',
      'a lost answer costs the session',
    ],
    [
      'a program signs a user in by OpenID Connect (code and PKCE, signatures checked)',
      'an ID token names somebody else',
      'a token of OpenID Connect opens nothing',
      'a program is not told of its own token',
      'a refresh changes nothing',
    ],
    [
      'and what a thief would try is refused',
      'a code is good without its verifier',
      'a code is good twice',
      'PKCE may be left out',
      'a code goes wherever it is asked for',
      'a revoked refresh token goes on',
      'a revoked token goes on',
      'anybody may look at a token',
    ],
    ['an admin blocks', 'anybody may block'],
    ['login and token are refused', 'a blocked user logs in'],
    ['user.blocked is in the topic', 'the block is not published'],
    ['the row says so', 'the row is left as it was'],
  ],
  'R2.2': [
    ["The assignment's OpenAPI of the Order Service is replayed as a client", 'an operation is gone'],
    ['statuses and fields as it lists them', 'totalPrice becomes a string', 'an unknown order is 200'],
    ['and each answer about the order that was asked for', 'another order is answered than the one asked for'],
    ['with its items and the price of the catalogue', 'an order of nothing for nothing', 'it costs nothing'],
    ['an order is changed and cancelled', 'a change is refused', 'a cancelled order completes'],
    ['the trace has both checks', 'the user is not checked', 'the stock is not checked'],
  ],
  'R2.3': [
    ['An order takes its quantity from what is available', 'stock is not taken'],
    ['a declined one gives it back', 'nothing is released'],
    ['stock.reserved and stock.released are in the topic', 'a reservation is not told', 'nothing is released'],
    ['sums hold in the database', 'sums do not hold', 'stock goes below zero'],
  ],
  'R2.4': [
    ['The group has several members that share the partitions', 'one worker is left'],
    ['each charge is in the ledger of the provider once', 'charged twice'],
    ['ProcessPayment charges without a task', 'ProcessPayment is not called'],
    ['an undeliverable order is refunded', 'no refund'],
  ],
  'R2.5': [
    ['A paid order is scheduled, shipped, delivered, in that order', 'delivered before it was shipped'],
    ['one that fails ends cancelled and refunded', 'a failure is not told', 'no compensation'],
  ],
  'R2.6': [
    ['Each frame', 'a frame that no event caused'],
    ['and each mail of an order names the event in a topic that caused it', 'a mail that no event caused', 'no mails'],
  ],
  'R2.7': [
    ['Each prefix reaches its service', 'a prefix leads elsewhere'],
    ['no token 401', 'no authentication'],
    ['wrong role 403', 'no authorisation'],
    ['a request is in the log by its trace id', 'nothing is logged'],
    ['both payment instances answer', 'one instance gets everything'],
    ['the 101st request of a minute gets 429', 'no limit'],
    ['the limit per address is declared and counted', 'another limit per address'],
    ['a product asked for twice is answered from what is kept', 'nothing is kept'],
    ['the details of an order come from every service', 'a part is missing', 'another order'],
  ],
  'R2.8': [
    ['A property is set through the gateway: config.changed is in its topic', 'the change is not told'],
    ['every instance has the value', 'an instance misses the change'],
    ['under the same pid', 'it takes a restart'],
    ['a wrong value is refused', 'wrong values are taken', 'a refused change is half done'],
  ],
  'R2.9': [
    [
      'The Consul API lists exactly the instances that run',
      'an instance is not registered',
      'a dead instance is listed',
    ],
    [
      'with every port they listen at',
      'a registration lacks its HTTP port',
      'a registration lacks its gRPC port',
      'a wrong port',
    ],
    ['a TTL check passes when it is reported', 'a report is not taken', 'a TTL passes unheard'],
    ['and runs out when nobody reports', 'a TTL never runs out'],
    ['the gateway calls those; a new instance is found and called', 'the gateway does not see the new one'],
    ['one that was stopped is gone', 'a stopped instance stays'],
  ],
  'R2.10': [
    ['A session of the loop ends by itself, every message stored; the rows of R6 say more', 'messages are lost'],
  ],
  'R2.11': [
    ['The page is served', 'no page'],
    ['an order placed by its session goes through the gateway', 'the gateway is passed by'],
    [
      'nothing that reaches the browser (the page with all its files, answers, headers, live messages, logs) has a token in it',
      'a token in the browser, in a live message and not behind Bearer',
      'a script of the page is not looked at',
      'tokens have another form than is looked for',
    ],
    ['another site is refused', 'another site may order'],
  ],
  'R3.1': [
    ['The first request with a token shows POST /oauth2/introspect in its trace', 'no introspection'],
    ['a made-up token is 401', 'made-up tokens are good'],
    ['after a block the token is refused at once', 'a blocked user goes on for a minute'],
  ],
  'R3.2': [
    [
      'A service of our own is registered and routed to: what the gateway sends it is a signed JWT',
      'the external token is passed on',
      'no signature',
    ],
    ['with audience, user and roles', 'another audience'],
    ['good for a minute at most', 'good for an hour'],
    ['orders itself refuses the external token, none', 'orders takes the external token'],
    ['that JWT, which is not for it', 'orders takes any audience'],
    [
      'and forgeries of it that are for orders but not signed by the gateway',
      'orders does not check the signature',
      "orders takes a stranger's key",
      'orders takes what nobody signed',
      'nothing was forged',
    ],
  ],
  'R4.1': [
    ['With payments stopped: 503', 'an error instead'],
    ['with Retry-After', 'no Retry-After'],
    ['in less than a second', 'a slow 503'],
    ['a route with a substitute gives that', 'a route with a substitute gives an error'],
    ['an order to be paid now is kept', 'the order is lost'],
    ['a breaker is open', 'no breaker opens'],
    ['Started again: the order completes', 'the order is lost', 'the breaker stays open'],
    ['charged once', 'charged twice'],
  ],
  'R4.2': [
    ['With the broker stopped an order gets 201 and its event waits', 'nothing waits'],
    [
      'with it back the order completes, each of its events in the topic',
      'the event is lost',
      'order.created never comes',
    ],
    ['once', 'told twice, as two events'],
  ],
  'R4.3': [
    [
      'One of two gateways is killed and the other goes on answering',
      'the other gateway is away too',
      'the killed one does not come back',
    ],
  ],
  'R4.4': [
    ['Discovery is killed and orders go on', 'orders need discovery'],
    ['it comes back by itself', 'nobody restarts it'],
    ['and lists the instances of orders', 'discovery forgets'],
    ['stopped for longer, orders still complete', 'orders need discovery'],
  ],
  'R4.5': [
    [
      'kill −9 of orders, a payment worker, the broker and PostgreSQL while orders flow: all come back',
      'a process stays dead',
    ],
    ['each accepted order completes', 'an order is lost', 'an order hangs'],
    ['is charged once', 'an order is charged twice'],
    ['and its versions are 1..n in the topic', 'a version is missing in the topic'],
  ],
  'R4.6': [
    ['Declined: stock released', 'stock is kept'],
    ['Undeliverable: money back', 'the refund comes first', 'stock is put back before the money'],
    ['and only then the stock', 'stock is put back before the money'],
    ['the ledger of the provider sums to zero', 'money is kept'],
  ],
  'R5.1': [
    ['Every process but PostgreSQL answers /metrics with typed samples', 'a page without types'],
    ['/health/live', 'a process is not alive'],
    ['/health/ready', 'a process is not ready'],
    ['and /info', 'no info'],
  ],
  'R5.2': [
    ['One trace of one order is one tree', 'the tree falls apart'],
    ['with spans of seven services', 'a service is not traced'],
    ['and every kind of hop', 'messages are not traced'],
  ],
  'R5.3': [
    ['One trace id finds structured lines', 'lines are text'],
    [
      'of each of five services through one command',
      'one service of five writes no line',
      'a service is not looked at',
    ],
  ],
  'R5.4': [
    ['Ends of topics on the page of the broker are those that a Kafka client finds', 'the page is wrong'],
    [
      'an order raises records, requests and bytes by as much',
      'records are not counted',
      'requests are not counted',
      'bytes are not counted',
    ],
    [
      'a group that is left behind has the lag on the page that a client finds',
      'every lag is 0',
      'the client too finds no lag where there is one',
      'a group has no lag',
    ],
  ],
  'R5.5': [
    [
      'Another collector listens in the place of ours: every service exports the spans of an order to it',
      'a service exports nothing, though all come in at our own collector',
      'a service exports spans of something else',
    ],
    [
      'in OTLP/HTTP',
      'the exports go to another path',
      'what is exported is not OTLP',
      'the exports are of no type that a collector takes',
    ],
    ['ours takes a span of a foreign exporter', 'OTLP is refused'],
    ['none was dropped', 'spans are dropped'],
  ],
  'R5.6': [
    [
      'The plan, in English and in Russian, names every tool of the assignment',
      'a tool is left out',
      'the Russian plan leaves one out',
    ],
    ['each with a reason', 'a tool has no reason'],
    ['and how it is connected', 'nothing says how it is connected'],
  ],
  'R6.1': [
    ['Records of a session have the six fields', 'a field is missing'],
    ['and the stamp of MC1', 'MC1 does not stamp'],
    ['the trace shows MC2 receiving from MC1', 'the WebSocket is passed by'],
  ],
  'R6.2': [
    ['In relay.messages lie messages with the stamp of MC2', 'MC2 does not stamp'],
    ['and none of MC3', 'MC3 stamped before the topic'],
    ['the trace shows MC3 taking them', 'nothing goes through the topic'],
  ],
  'R6.3': [
    ['The trace shows MC1 receiving from MC3', 'MC3 does not send it back'],
    ['rows have the stamp of MC3', 'MC3 does not stamp'],
  ],
  'R6.4': [
    ['As many rows as messages were generated', 'a row is missing'],
    ['the four stamps of each in order', 'the end is before the beginning'],
  ],
  'R6.5': [
    ['A session ends by itself after the interval', 'it ends at once'],
    ['that the configuration service or config/relay.yaml says', 'the interval is another than the configured one'],
    ['its rows carry its number', 'another session_id'],
  ],
  'R6.6': [
    ['A session is started', 'no session starts'],
    ['and ended early', 'it can not be stopped'],
    ['a second start', 'two sessions at once'],
    ['and a stop without a session, are refused with 409', 'a stop without a session is taken'],
  ],
  'R6.7': [
    ['In the trace of each message looked at: a span of MC2', 'MC2 is not traced'],
    ['of MC3', 'MC3 is not traced'],
    ['and of MC1 receiving it', 'MC1 is not traced'],
  ],
  'R6.8': [['Both lines are in what MC1 wrote', 'nothing is announced', 'the number is not told']],
  'R6.9': [
    ['A session is stored', 'nothing was stored'],
    ['everything is stopped; `npx svyaz db relay` starts PostgreSQL alone', 'the database does not open'],
    ['and finds as many rows. Only when verify started the system itself', 'rows are gone after the stop'],
  ],
  'R7.3': [
    [
      'Orders at a fixed rate for some seconds, a payment worker killed in the middle: every one completes',
      'an order under load is refused',
      'an order under load is lost',
    ],
    ['charged once', 'an order is charged twice'],
    ['the worker comes back', 'the killed worker stays dead'],
  ],
  'R7.4': [
    [
      'What pages draw and list is what runs',
      'the picture of the architecture has a process that is gone',
      'a part of the relay does not run',
    ],
    [
      'processes in discovery',
      'a listed process does not run',
      'a process is not listed',
      'discovery knows one that is not listed',
    ],
    ['topics in the broker', 'a topic is not listed', 'a listed topic is gone', 'a topic is missing in the picture'],
    ['gRPC methods and routes in traces', 'a method is not listed'],
    ['every link leads somewhere', 'a link leads nowhere'],
    ['Russian pages have the headings', 'a heading of a Russian page moved', 'a Russian page is missing'],
    ['code', 'a command of a Russian page is an old one'],
    ['pictures, table rows', 'a table of a Russian page lacks a row, as many tables as there are'],
    ['and figures of the English ones', 'a figure in a Russian table is an old one'],
    ['and no paragraph left in English', 'a paragraph is not translated'],
  ],
  'R7.5': [
    ['Every exported function', 'one exported function of a whole package has no description'],
    [
      'of every source file that is neither generated nor a test has a description of its own',
      'a folder is not looked at',
    ],
  ],
  'R7.6': [
    ['Each row has a proof or says what is missing', 'a row is silently left out'],
    ['the judge of R4.6, given evidence of this run with one record taken out, says so', 'damage is not noticed'],
  ],
}

/** The titles of the breaks of each row, from the tests beside the proofs. */
const titles = new Map<string, Set<string>>()
for (const file of globSync('proofs/*.test.ts', { cwd: import.meta.dirname })) {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8')
  for (const [, id = '', body = ''] of text.matchAll(/^ {2}'(R[\d.]+)': \[\n([\s\S]*?)^ {2}\],$/gm)) {
    const found = [...body.matchAll(/^ {4}\[\s*(['"])(.*?)\1,/gm)].map(([, , title = '']) => title)
    titles.set(id, new Set([...(titles.get(id) ?? []), ...found]))
  }
}

describe('what a row claims is judged', () => {
  // Service levels have one text, made from their list, and one judge.
  const proven = requirements.filter(({ id }) => id in proofs && !id.startsWith('Levels.'))

  it('each row that is proven is here, and no other', () => {
    assert.deepEqual(
      Object.keys(claims),
      proven.map(({ id }) => id),
    )
  })

  for (const { id, proof } of proven)
    it(id, () => {
      let rest = proof
      for (const [part, ...breaks] of claims[id] ?? []) {
        assert.ok(rest.startsWith(part), `"${part}" is not what the row says next: "${rest}"`)
        rest = rest.slice(part.length).replace(/^[;:,.]? /, '')
        assert.ok(breaks.length > 0, `nothing shows that "${part}" is judged`)
        for (const title of breaks) assert.ok(titles.get(id)?.has(title), `no break of ${id} is called "${title}"`)
      }
      assert.equal(rest, '', 'claimed, and in no part of it judged')
    })
})
