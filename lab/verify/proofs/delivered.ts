/** R7: delivery of the thing itself, as far as a running system can show it; its documents are next door. */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { until } from '@svyaz/observe/until.ts'
import { requirements } from '../assignment.ts'
import { exportedFunctions } from '../descriptions.ts'
import { booksOf, heldBy } from '../journey.ts'
import { declined, undeliverable } from '../journeys.ts'
import { openLoop } from '../load.ts'
import { faultsOf, proof } from '../proof.ts'
import { killing } from './as-before.ts'
import { saga } from './failures.ts'

const root = join(import.meta.dirname, '..', '..', '..')

const load = { orders: 30, perSecond: 6, users: 3 }

/** R7.3: open-loop load with a fault in it: the next order leaves when it is due, whether or not the last was answered. */
export const loadAndFault = proof({
  disturbs: true,
  gather: async (outside) => {
    const users = await Promise.all(Array.from({ length: load.users }, (_, n) => outside.person(`Load${n}`)))
    const before = (await outside.instances('payments')).find(({ name }) => name === 'payments-1')?.pid
    const answers = await killing(outside, () =>
      openLoop({ perSecond: load.perSecond, total: load.orders }, outside.stopping, async (n) => {
        if (n === load.orders / 2) await outside.act('kill', 'payments-1')
        const answer = await outside.look('POST', '/orders', {
          token: users[n % users.length]!.token,
          body: { items: [{ productId: 'P-1001', quantity: 1 }] },
        })
        return {
          status: answer.status,
          id: String(answer.body.id),
          total: Number(answer.body.total?.amountMinor),
          tookMs: answer.tookMs,
        }
      }),
    )
    outside.goOn()
    const ids = new Set(answers.filter(({ status }) => status === 201).map(({ id }) => id))
    const done = await outside.records
      .wait('order.completed of each', ({ type, key }) => type === 'order.completed' && ids.has(key), ids.size, 40_000)
      .catch(() => outside.records.records.filter(({ type, key }) => type === 'order.completed' && ids.has(key)))
    const back = await until('payments-1 to be back', async () =>
      (await outside.instances('payments')).find(
        ({ name, pid, status }) => name === 'payments-1' && pid !== before && status === 'ready',
      ),
    )
    const sorted = answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
    const at = (part: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
    outside.note(
      `${load.orders} × POST /orders, ${load.perSecond} a second, kill −9 of payments-1 in the middle`,
      `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms; ${new Set(done.map(({ key }) => key)).size} completed`,
    )
    const booked = []
    for (const { id, total } of answers.slice(0, load.orders)) booked.push({ total, ledger: await outside.ledger(id) })
    return {
      asked: load.orders,
      accepted: ids.size,
      completed: new Set(done.map(({ key }) => key)).size,
      replaced: back.pid !== before,
      booked,
    }
  },
  judge: ({ asked, accepted, completed: ended, replaced, booked }) => [
    ...faultsOf(
      [accepted === asked, `${accepted} of ${asked} orders were accepted`],
      [ended === accepted, `${ended} of ${accepted} accepted orders completed`],
      [replaced, 'the killed worker did not come back'],
    ),
    ...booked
      .filter(({ total, ledger }) => ledger.length !== 1 || heldBy(ledger) !== total)
      .map(({ total, ledger }) => `the provider booked ${JSON.stringify(ledger)} for ${total}`),
  ],
})

const folders = [
  'contracts',
  'services',
  'platform',
  'outside',
  'system',
  'console',
  'lab',
  'examples',
  'deploy',
  'tools',
] as const
const notOurs = new Set(['node_modules', 'dist', 'generated', 'test'])

interface Described {
  /** `platform/kit`. */
  readonly part: string
  readonly functions: number
  /** `platform/kit/src/x.ts:12 name`. */
  readonly bare: readonly string[]
}

/** Exported functions of every source file that is neither generated nor a test, by package. */
export function describedParts(): { files: number; parts: Described[] } {
  const files = globSync(`{${folders.join()}}/**/*.{ts,tsx}`, {
    cwd: root,
    exclude: (path) => notOurs.has(basename(path)),
  }).filter((file) => !/\.test\.tsx?$|\.d\.ts$/.test(file))
  const parts = new Map<string, { functions: number; bare: string[] }>()
  for (const file of files.sort()) {
    const name = file.split('/').slice(0, 2).join('/')
    const part = parts.get(name) ?? { functions: 0, bare: [] }
    parts.set(name, part)
    for (const { name: own, line, described } of exportedFunctions(readFileSync(join(root, file), 'utf8'))) {
      part.functions += 1
      if (!described) part.bare.push(`${file}:${line} ${own}`)
    }
  }
  return { files: files.length, parts: [...parts].map(([part, counts]) => ({ part, ...counts })) }
}

/** R7.5: every exported function has a description of its own. */
export const comments = proof({
  gather: async (outside) => {
    const { files, parts } = describedParts()
    for (const { part, functions, bare } of parts)
      outside.note(`exported functions of ${part}`, `${functions}, ${functions - bare.length} described`)
    return { files, parts }
  },
  judge: ({ files, parts }) => [
    ...faultsOf([files > 500, `only ${files} files were found`]),
    ...folders
      .filter((folder) => !parts.some(({ part, functions }) => part.startsWith(`${folder}/`) && functions > 0))
      .map((folder) => `no exported function of ${folder} was looked at`),
    ...parts
      .filter(({ bare }) => bare.length > 0)
      .map(
        ({ part, functions, bare }) =>
          `${part}: ${bare.length} of ${functions} exported functions have no description: ${bare.join(', ')}`,
      ),
  ],
})

/** R7.6: that this very command would notice: a judge is given damaged evidence of this run. */
export const verification = (proofIds: () => readonly string[]) =>
  proof({
    gather: async (outside) => {
      const ids = proofIds()
      const silent = requirements.filter(({ id, missing }) => !ids.includes(id) && missing === undefined)
      const evidence = { refused: booksOf(await declined(outside)), failed: booksOf(await undeliverable(outside)) }
      const records = evidence.refused.records.filter(({ type }) => type !== 'stock.released')
      const caught = saga.judge({ ...evidence, refused: { ...evidence.refused, records } })
      outside.note(
        'lab/verify/assignment.ts',
        `${requirements.length} rows, ${ids.length} with a proof; the others say what is missing`,
      )
      outside.note('an order whose stock.released was taken out of the evidence', caught[0] ?? 'nobody noticed')
      return { rows: requirements.length, silent: silent.map(({ id }) => id), caught: caught.length }
    },
    judge: ({ rows, silent, caught }) =>
      faultsOf(
        [rows >= 49, `${rows} rows`],
        [silent.length === 0, `${silent.join()} neither proven nor explained`],
        [caught > 0, 'damaged evidence was not noticed'],
      ),
  })
