/** Evidence of watching, damaged as a broken part would damage it. */
import { type Breaks, sees } from '../breaks.ts'

const breaks: Breaks<'R5.1' | 'R5.2' | 'R5.3' | 'R5.4' | 'R5.5'> = {
  'R5.1': [
    [
      'a page without types',
      /no Prometheus page/,
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
      /no JSON/,
      (e) => {
        e.found[0]!.structured = false
      },
    ],
    [
      'no trace ids',
      /trace id/,
      (e) => {
        for (const one of e.found) one.traced = 0
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
      'a service sends nothing',
      /arrived from/,
      (e) => {
        e.services = e.services.filter((name) => name !== 'orders')
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
