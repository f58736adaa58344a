/**
 * Exports of spans, encoded once and patched where they differ: ids and times are written over in place. So the sender
 * costs next to nothing beside what it measures.
 */

/** Of an export of the services. */
export const spansPerExport = 500
const spansPerTrace = 10

const services = ['gateway', 'orders', 'inventory', 'payments', 'users', 'delivery']
const text = (key: string, value: string) => ({ key, value: { stringValue: value } })
const kinds = [
  { kind: 2, name: 'POST /orders', attributes: [text('http.route', '/orders')] },
  { kind: 3, name: 'POST', attributes: [text('peer.service', 'orders')] },
  {
    kind: 3,
    name: 'SQL SELECT',
    attributes: [
      text('db.system', 'postgresql'),
      text('db.statement', 'SELECT id, version, document FROM orders WHERE id = $1 FOR UPDATE'),
    ],
  },
  {
    kind: 4,
    name: 'send orders.events',
    attributes: [
      text('messaging.destination.name', 'orders.events'),
      text('messaging.message.id', '0199f7a0-1b1f-7d3a-a1a1-5f1c5b9b1b1b'),
    ],
  },
]

const idDigits = 16
const timeDigits = 13
const blankTime = '1'.repeat(timeDigits)

/** One export, to be sent again and again as another. Never while it is being sent. */
export class ExportBody {
  readonly bytes: Buffer
  readonly #traces: number[] = []
  readonly #spans: number[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #run: string

  /**
   * @param service which of the services it comes from, by number
   * @param run sixteen hex digits that tell the traces of this run from those of others
   */
  constructor(service: number, run: string) {
    this.#run = run
    const name = services[service % services.length] as string
    const spans = Array.from({ length: spansPerExport }, (_, at) => ({
      traceId: `${run}${'0'.repeat(idDigits)}`,
      spanId: '0'.repeat(idDigits),
      parentSpanId: '00000000000000aa',
      ...(kinds[at % kinds.length] as (typeof kinds)[number]),
      startTimeUnixNano: `${blankTime}000000`,
      endTimeUnixNano: `${blankTime}000000`,
      links: [],
      status: {},
    }))
    const resource = { attributes: [text('service.name', name), text('service.instance.id', `${name}-1`)] }
    this.bytes = Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }), 'latin1')
    const places: readonly (readonly [list: number[], before: string, skip: number])[] = [
      [this.#traces, '"traceId":"', idDigits],
      [this.#spans, '"spanId":"', 0],
      [this.#starts, '"startTimeUnixNano":"', 0],
      [this.#ends, '"endTimeUnixNano":"', 0],
    ]
    for (const [list, before, skip] of places) {
      for (let at = this.bytes.indexOf(before); at >= 0; at = this.bytes.indexOf(before, at + 1))
        list.push(at + before.length + skip)
    }
  }

  /**
   * Makes it the export of this number: traces of ten spans each that no other export has, ended just now.
   * @param endMs since 1970
   */
  become(number: number, endMs: number): void {
    const { bytes } = this
    const [start, end] = [String(endMs - 3), String(endMs)]
    for (let at = 0; at < spansPerExport; at += 1) {
      const span = number * spansPerExport + at
      bytes.write(hex(Math.floor(span / spansPerTrace)), this.#traces[at]!, 'latin1')
      bytes.write(hex(span + 1), this.#spans[at]!, 'latin1')
      bytes.write(start, this.#starts[at]!, 'latin1')
      bytes.write(end, this.#ends[at]!, 'latin1')
    }
  }

  /** Of the first trace, after `become`. */
  get firstTraceId(): string {
    return this.#run + this.bytes.toString('latin1', this.#traces[0], this.#traces[0]! + idDigits)
  }
}

const hex = (value: number): string => value.toString(16).padStart(idDigits, '0')
