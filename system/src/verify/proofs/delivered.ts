/** R7: delivery of the thing itself, as far as a running system can show it; its documents are next door. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { requirements } from '../../../assignment.ts'
import { booksOf, heldBy } from '../journey.ts'
import { declined, undeliverable } from '../journeys.ts'
import { faultsOf, proof } from '../proof.ts'
import { until } from '../until.ts'
import { saga } from './failures.ts'

const root = join(import.meta.dirname, '..', '..', '..', '..')

const load = { orders: 30, perSecond: 6, users: 3 }

/** R7.3: open-loop load with a fault in it: the next order leaves when it is due, whether or not the last was answered. */
export const loadAndFault = proof({
  disturbs: true,
  gather: async (outside) => {
    const users = await Promise.all(Array.from({ length: load.users }, (_, n) => outside.person(`Load${n}`)))
    const before = (await outside.instances('payments')).find(({ name }) => name === 'payments-1')?.pid
    const sent = Array.from({ length: load.orders }, async (_, n) => {
      await new Promise((resolve) => setTimeout(resolve, (n * 1_000) / load.perSecond))
      if (n === load.orders / 2) await outside.act('kill', 'payments-1')
      const answer = await outside.look('POST', '/orders', {
        token: users[n % load.users]!.token,
        body: { items: [{ productId: 'P-1001', quantity: 1 }] },
      })
      return {
        status: answer.status,
        id: String(answer.body.id),
        total: Number(answer.body.total?.amountMinor),
        tookMs: answer.tookMs,
      }
    })
    const answers = await Promise.all(sent)
    const ids = new Set(answers.filter(({ status }) => status === 201).map(({ id }) => id))
    const done = await outside.tap
      .wait('order.completed of each', ({ type, key }) => type === 'order.completed' && ids.has(key), ids.size, 40_000)
      .catch(() => outside.tap.records.filter(({ type, key }) => type === 'order.completed' && ids.has(key)))
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
      anew: back.pid !== before,
      booked,
    }
  },
  judge: ({ asked, accepted, completed: ended, anew, booked }) => [
    ...faultsOf(
      [accepted === asked, `${accepted} of ${asked} orders were accepted`],
      [ended === accepted, `${ended} of ${accepted} accepted orders completed`],
      [anew, 'the killed worker did not come back'],
    ),
    ...booked
      .filter(({ total, ledger }) => ledger.length !== 1 || heldBy(ledger) !== total)
      .map(({ total, ledger }) => `the provider booked ${JSON.stringify(ledger)} for ${total}`),
  ],
})

interface Described {
  readonly file: string
  /** Says at its top, or at one of its exports, what it is. */
  readonly described: boolean
}

export const comments = proof({
  gather: async (outside) => {
    // What runs: sources of every process, and what they stand on.
    const files = globSync(
      [
        'services/*/src/**/*.ts',
        'services/relay/mc*/**/*.ts',
        'platform/*/src/**/*.ts',
        'outside/*/src/**/*.ts',
        'console/bff/src/**/*.ts',
      ],
      { cwd: root },
    )
      .filter((file) => !/\.test\.ts$/.test(file))
      .sort()
    const looked = files.map((file): Described & { lines: number } => {
      const text = readFileSync(join(root, file), 'utf8')
      const described =
        /^(?:#!.*\n)?\s*\/[*/]/.test(text) || /\*\/\s*\n(?:export|async|function|class|const|interface|type)/.test(text)
      return { file, described, lines: text.split('\n').length }
    })
    // Tables (protocol messages, migrations) and what only starts something say by their names what they are.
    const plain = /\/(?:messages\/[\w-]+|migrations|main)\.ts$/
    const subject = looked.filter(({ file, lines }) => lines > 20 && !plain.test(file))
    const bare = subject.filter(({ described }) => !described).map(({ file }) => file)
    outside.note(
      'sources of the running processes',
      `${subject.length} files of code longer than 20 lines, ${subject.length - bare.length} described`,
    )
    return { files: subject.length, bare }
  },
  judge: ({ files, bare }) => [
    ...faultsOf([files > 100, `only ${files} files were found`]),
    ...faultsOf([
      bare.length <= files / 50,
      `${bare.length} of ${files} files describe nothing: ${bare.slice(0, 5).join(', ')}`,
    ]),
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
        'system/assignment.ts',
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
