/** R1.7: the page of interactions against traces of this run, the page of reasons against the bench's raw output. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { completed, paidNow } from '../journeys.ts'
import { faultsOf, proof } from '../proof.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Bench {
  readonly bytes: Readonly<Record<string, { readonly sent: number; readonly received: number }>>
  readonly rows: readonly {
    readonly way: string
    readonly failed: number
    readonly latency: Quantiles
    readonly oneWay?: Quantiles
    readonly cpuMicros: Readonly<Record<string, number>>
  }[]
}
interface Quantiles {
  readonly p50: number
  readonly p99: number
}

/** Cells of the page's table of figures, without what they are of. */
const figuresOn = (page: string): string[][] => {
  const region = /made by tools\/docs\.ts: protocol-figures(?: \w+)? -->\n([\s\S]*?)<!-- end -->/.exec(page)?.[1] ?? ''
  const rows = region.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(2, -1)
      .map((cell) => cell.trim()),
  )
}

/** The same cells from the raw output, reckoned here: median of the rounds (least–greatest); ms, then µs, bytes, failures. */
function figuresOf({ bytes, rows }: Bench): string[][] {
  const spread = (values: readonly number[], text: (value: number) => string): string => {
    const sorted = values.toSorted((a, b) => a - b)
    const middle = (sorted.length - 1) / 2
    const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
    return `${text(median)} (${text(sorted[0]!)}–${text(sorted.at(-1)!)})`
  }
  const ms = (micros: number) => (micros / 1_000).toFixed(2)
  const total = (parts: Readonly<Record<string, number>>) => Object.values(parts).reduce((sum, part) => sum + part, 0)
  const line = (way: string, name: string, of: (row: Bench['rows'][number]) => Quantiles) => {
    const own = rows.filter((row) => row.way === way)
    return [
      spread(
        own.map((row) => of(row).p50),
        ms,
      ),
      spread(
        own.map((row) => of(row).p99),
        ms,
      ),
      spread(
        own.map(({ cpuMicros }) => total(cpuMicros)),
        (value) => value.toFixed(0),
      ),
      `${bytes[name]?.sent} + ${bytes[name]?.received}`,
      String(own.reduce((sum, { failed }) => sum + failed, 0)),
    ]
  }
  return [
    ...['rest', 'grpc', 'webSocket', 'message'].map((way) => line(way, way, ({ latency }) => latency)),
    line('message', 'oneWay', ({ latency, oneWay }) => oneWay ?? latency),
  ]
}

export const reasoned = proof({
  gather: async (outside) => {
    const [usual, now] = [await completed(outside), await paidNow(outside)]
    const seen = [...usual.hops, ...now.hops]
      .filter(({ kind, over, from }) => kind === 'server' && (over === 'http' || over === 'grpc') && from !== undefined)
      .map(({ from, service, over }) => `${from} → ${service} over ${over}`)
    const rows = [
      ...read('docs/interactions.md').matchAll(/^\| ([^|]+) \| ([^|]+) \| (HTTP|gRPC)[^|]* \|[^|]*\| ([^|]+) \|$/gm),
    ]
    const listed = rows.flatMap(([, from = '', to = '', protocol = '']) =>
      to.split(', ').map((one) => `${from} → ${one} over ${protocol.toLowerCase()}`),
    )
    const result = JSON.parse(read('lab/bench/results/protocols.json'))
    const reasons = read('docs/protocols.md')
    const pages = ['docs/protocols.md', 'docs/ru/protocols.md'].map((page) => ({ page, rows: figuresOn(read(page)) }))
    const raw = figuresOf(result as Bench)
    outside.note(
      'docs/protocols.md against lab/bench/results/protocols.json',
      raw.map((row) => row.join(' ')).join('; '),
    )
    outside.note('docs/interactions.md', `${listed.length} interactions over HTTP and gRPC, each with its reason`)
    for (const hop of new Set(seen)) outside.note('a trace of this run', hop)
    return {
      seen: [...new Set(seen)],
      listed,
      reasonless: rows.filter(([, , , , reason = '']) => reason.trim() === '').length,
      ways: [...new Set((result.rows as { way: string }[]).map(({ way }) => way))],
      pages,
      raw,
      cited: reasons.includes(String(result.command)) && reasons.includes(String(result.machine)),
    }
  },
  judge: ({ seen, listed, reasonless, ways, pages, raw, cited }) => [
    ...seen.filter((hop) => !listed.includes(hop)).map((hop) => `${hop}: seen in a trace and on no page`),
    ...faultsOf(
      [seen.length >= 5, `only ${seen.join('; ')} were seen`],
      [reasonless === 0, `${reasonless} interactions without a reason`],
      [['rest', 'grpc', 'webSocket', 'message'].every((way) => ways.includes(way)), `measured: ${ways.join()}`],
      [cited, 'the page names another command or machine than the last bench'],
      [raw.length >= 5 && pages.length >= 2, `${raw.length} rows of figures on ${pages.length} pages`],
    ),
    ...pages.flatMap(({ page, rows }) => [
      ...faultsOf([
        rows.length === raw.length,
        `${page} has ${rows.length} rows of figures, the raw output ${raw.length}`,
      ]),
      ...raw.flatMap((row, at) =>
        faultsOf([
          rows[at] === undefined || rows[at].join() === row.join(),
          `${page}, row ${at + 1}: ${rows[at]?.join(' | ')} is not ${row.join(' | ')} of the raw output`,
        ]),
      ),
    ]),
  ],
})
