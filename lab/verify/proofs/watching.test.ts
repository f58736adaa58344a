/** Evidence of watching, damaged as a broken part would damage it. */
import { type Breaks, sees } from '../breaks.ts'

const breaks: Breaks<'R5.1' | 'R5.2' | 'R5.3' | 'R5.4' | 'R5.5'> = {
  'R5.1': [
    [
      'a process is not alive',
      /\/health\/live/,
      (e) => {
        e.instances[0]!.health.live = 503
      },
    ],
    [
      'a page without types',
      /not a Prometheus page/,
      (e) => {
        e.instances[0]!.metrics.typed = 0
      },
    ],
    [
      'a process is not ready',
      /health\/ready/,
      (e) => {
        e.instances[0]!.health.ready = 503
      },
    ],
    [
      'no info',
      /info/,
      (e) => {
        e.instances[0]!.info = 404
      },
    ],
  ],
  'R5.2': [
    [
      'messages are not traced',
      /of topic/,
      (e) => {
        e.hops = e.hops.filter(({ over }) => over !== 'topic')
      },
    ],
    [
      'a service is not traced',
      /by delivery/,
      (e) => {
        e.hops = e.hops.filter(({ service }) => service !== 'delivery')
      },
    ],
    [
      'the tree falls apart',
      /single tree/,
      (e) => {
        for (const hop of e.hops.slice(0, 3)) delete hop.from
      },
    ],
  ],
  'R5.3': [
    [
      'lines are text',
      /gateway: 1 of \d+ lines are not structured/,
      (e) => {
        e.found[0]!.structured -= 1
      },
    ],
    [
      'one service of five writes no line',
      /no line of payments has the trace id/,
      (e) => {
        e.found.find(({ service }) => service === 'payments')!.traced = 0
      },
    ],
    [
      'a service is not looked at',
      /no line of delivery/,
      (e) => {
        e.found = e.found.filter(({ service }) => service !== 'delivery')
      },
    ],
  ],
  'R5.4': [
    [
      'the page is wrong',
      /a client says/,
      (e) => {
        e.onPage -= 1
      },
    ],
    [
      'every lag is 0',
      /a group is 3 records behind, the page says 0/,
      (e) => {
        e.lag.onPage = 0
      },
    ],
    [
      'the client too finds no lag where there is one',
      /0 records behind/,
      (e) => {
        e.lag = { onPage: 0, byClient: 0 }
      },
    ],
    [
      'records are not counted',
      /throughput: the page counts 0 records/,
      (e) => {
        e.throughput.onPage = 0
      },
    ],
    [
      'requests are not counted',
      /no produce request/,
      (e) => {
        e.throughput.produced = 0
      },
    ],
    [
      'bytes are not counted',
      /no byte/,
      (e) => {
        e.throughput.appendedBytes = 0
      },
    ],
    [
      'a group has no lag',
      /lag is told of/,
      (e) => {
        e.groups = e.groups.filter((group) => group !== 'payment-workers')
      },
    ],
  ],
  'R5.5': [
    [
      'OTLP is refused',
      /415/,
      (e) => {
        e.sent = 415
      },
    ],
    [
      'a service exports nothing, though all come in at our own collector',
      /orders exported no span/,
      (e) => {
        e.out.exports = e.out.exports.filter(({ service }) => service !== 'orders')
      },
    ],
    [
      'a service exports spans of something else',
      /payments exported no span of the order/,
      (e) => {
        e.out.exports.find(({ service }) => service === 'payments')!.spans = []
      },
    ],
    [
      'the exports go to another path',
      /exports to \/api\/v2\/spans/,
      (e) => {
        e.out.exports[0]!.path = '/api/v2/spans'
      },
    ],
    [
      'what is exported is not OTLP',
      /a span's traceId/,
      (e) => void e.out.exports[0]!.faults.push('a span\'s traceId is "1"'),
    ],
    [
      'the exports are of no type that a collector takes',
      /exports as text\/plain/,
      (e) => {
        e.out.exports[0]!.contentType = 'text/plain'
      },
    ],
    [
      'spans are dropped',
      /dropped/,
      (e) => {
        e.dropped = 4
      },
    ],
  ],
}

sees(breaks)
