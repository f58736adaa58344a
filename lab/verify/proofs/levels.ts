/**
 * Service levels: the expression that Prometheus evaluates, evaluated here, over some seconds of load that is made for
 * it. A level whose load is not offered gives too few samples, and that is not a PASS.
 */
import { type JudgedSeries, judgeLevel, judgeSeries, type Look, lookSource } from '@svyaz/metrics'
import { until } from '@svyaz/observe/until.ts'
import { type ServiceLevel, serviceLevels } from '@svyaz/system/service-levels'
import { looksDuring, openLoop } from '../load.ts'
import type { Outside } from '../outside.ts'
import { proof } from '../proof.ts'
import { NotRun } from '../step.ts'
import { fullRelay, manyReads } from './offered.ts'

const load = { seconds: 10, readsPerSecond: 25, ordersPerSecond: 4, users: 2 }
const every = (perSecond: number) => ({ perSecond, total: perSecond * load.seconds })

const loadText = `${load.readsPerSecond} × GET /products and ${load.ordersPerSecond} × POST /orders a second for ${load.seconds} s`

/** Both ways of payment in turns, so that every service and every gRPC method has its share. */
const bodyOf = (n: number) => ({
  items: [{ productId: 'P-1001', quantity: 1 }],
  payment: n % 2 === 0 ? 'now' : 'queue',
})

/** The looks that all levels are judged by: once a run. */
const observed = (outside: Outside): Promise<readonly Look[]> =>
  outside.once('service levels', async (o) => {
    await o.untilReady()
    const users = await Promise.all(Array.from({ length: load.users }, (_, n) => o.person(`Level${n}`)))
    // What was broken before is whole again when an order completes; breakers close with it.
    const warm = await o.look('POST', '/orders', { token: users[0]!.token, body: bodyOf(0) })
    await until(
      'an order to complete',
      async () => {
        const { status } = await users[0]!.read(String(warm.body.id))
        return status === 'completed'
      },
      { everyMs: 700 },
    )
    const seen = await looksDuring(o, (ending) =>
      Promise.all([
        openLoop(every(load.readsPerSecond), ending, () => o.look('GET', '/products')),
        openLoop(every(load.ordersPerSecond), ending, (n) =>
          o.look('POST', '/orders', { token: users[n % load.users]!.token, body: bodyOf(n) }),
        ),
      ]),
    )
    o.note(loadText, `${seen.length} looks at /metrics of every instance`)
    return seen
  })

/** Levels whose load is made for them alone. */
const offered: Readonly<Record<string, (outside: Outside) => Promise<readonly Look[]>>> = {
  'gateway-throughput': manyReads,
  'message-throughput': fullRelay,
}

const shown = (value: number | undefined): string =>
  value === undefined ? 'nothing' : String(Number(value.toPrecision(3)))

/** @param id of a row in system/service-levels.ts. */
export const level = (id: string) => {
  const row = serviceLevels.find((one) => one.id === id)
  if (row === undefined) throw new Error(`there is no service level ${id}`)
  return proof({
    disturbs: true,
    gather: async (outside) => {
      const series = judged(row, await (offered[id] ?? observed)(outside))
      for (const { of, value, samples, verdict } of series)
        outside.note(
          `${id}${of && ` of ${of}`}`,
          `${shown(value)} ${row.objective.unit}, ${Math.round(samples)} samples: ${verdict}`,
        )
      const most = Math.max(0, ...series.map(({ samples }) => samples))
      if (most < row.samplesMin)
        throw new NotRun(
          `${most} of at least ${row.samplesMin} samples; its load is: ${row.load}. Run it by itself: npx svyaz verify Levels.${id}`,
        )
      return { series }
    },
    judge: ({ series }: { readonly series: readonly JudgedSeries[] }) => levelFaults(row, series),
  })
}

/** Over all that was seen: the window of an expression is the time that was looked at. */
function judged(row: ServiceLevel, looks: readonly Look[]): JudgedSeries[] {
  const [first, last] = [looks[0]?.atMs ?? 0, looks.at(-1)?.atMs ?? 0]
  return judgeSeries(row, lookSource(looks), last, `${last - first + 1}ms`)
}

/** Judged again from value and samples: a verdict that came with them proves nothing. A value that JSON could not hold is null. */
function levelFaults(row: ServiceLevel, series: readonly JudgedSeries[]): string[] {
  const judged = series.map(({ of, value, samples }) => ({
    name: of || row.what,
    value: value ?? undefined,
    samples,
    verdict: judgeLevel(row, value ?? undefined, samples),
  }))
  const most = Math.max(0, ...judged.map(({ samples }) => samples))
  return [
    ...judged
      .filter(({ verdict }) => verdict === 'missed')
      .map(({ name, value }) => `${name}: ${shown(value)} ${row.objective.unit}`),
    ...judged
      .filter(({ verdict, samples }) => verdict === 'no data' && samples >= row.samplesMin)
      .map(({ name, samples }) => `${name}: ${samples} samples, and its expression gives no value`),
    ...(most >= row.samplesMin ? [] : [`no series had enough samples: ${most} at most, ${row.samplesMin} are needed`]),
  ]
}
