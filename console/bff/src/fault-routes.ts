/** The fault lab for pages: what may be broken, the experiment that runs or ran last, a new one, an early end. */
import { breaksEdge, type ExperimentAsked, type FaultKind, whyRefused } from '@svyaz/contracts/fault-lab.ts'
import { Problem, readJsonObject, sendJson } from '@svyaz/stage'
import type { FaultLabAnswer } from '../../protocol.ts'
import { assertNoneUnderWay, examinationIn } from './examination.ts'
import { limits } from './limits.ts'
import { acted, type Parts, type Route } from './route.ts'

/** `GET /api/faults`; `POST /api/faults` begins an experiment, `POST /api/faults/stop` ends it early. */
export const faultRoutes = (parts: Parts): readonly Route[] => [
  {
    method: 'GET',
    path: /^\/api\/faults$/,
    access: 'page',
    handle: async ({ response }) => {
      const { experiment } = parts.faultLab
      const other = experiment?.running ? undefined : await examinationIn(parts)
      const body: FaultLabAnswer = {
        isThere: parts.faultLab.isThere && parts.supervisor.supervised,
        targets: targetsOf(parts),
        ...(experiment === undefined ? {} : { experiment }),
        ...(other === undefined ? {} : { other }),
      }
      sendJson(response, 200, body)
    },
  },
  {
    method: 'POST',
    path: /^\/api\/faults$/,
    access: 'operator',
    handle: async ({ request, response }) => {
      const asked = askedIn(await readJsonObject(request, limits.bodyBytesMax))
      const refusal = whyRefused(asked, targetsOf(parts))
      if (refusal !== undefined) throw new Problem(422, 'invalid_request', refusal)
      const broken = [...asked.targets, ...(asked.kinds.some(breaksEdge) ? asked.edges : [])].join(', ')
      const detail = `${asked.faults} × ${asked.kinds.join(', ')}: ${broken}`.slice(0, 200)
      const entry = { action: 'fault-lab', target: `experiment-${asked.seed}`, detail }
      await acted(parts, request, entry, async () => {
        await assertNoneUnderWay(parts)
        parts.faultLab.start(asked, () => new Date().toISOString())
      })
      sendJson(response, 200, {})
    },
  },
  {
    method: 'POST',
    path: /^\/api\/faults\/stop$/,
    access: 'operator',
    handle: async ({ request, response }) => {
      await readJsonObject(request, limits.bodyBytesMax)
      const target = `experiment-${parts.faultLab.experiment?.asked.seed ?? ''}`
      await acted(parts, request, { action: 'fault-lab-stop', target }, async () => parts.faultLab.stop())
      sendJson(response, 200, {})
    },
  },
]

/** Processes that run here, but for the world outside and this console. */
const targetsOf = ({ supervisor }: Parts): string[] => [
  ...new Set(
    supervisor.instances
      .processes()
      .filter(({ kind }) => kind !== 'outside' && kind !== 'console')
      .map(({ service }) => service),
  ),
]

/** What a page sent, as numbers and words; `whyRefused` judges it. */
function askedIn(body: Readonly<Record<string, unknown>>): ExperimentAsked {
  const words = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((word): word is string => typeof word === 'string').slice(0, 50) : []
  return {
    seed: Number(body.seed),
    seconds: Number(body.seconds),
    faults: Number(body.faults),
    kinds: words(body.kinds) as FaultKind[],
    targets: words(body.targets),
    edges: words(body.edges),
    ordersPerSecond: Number(body.ordersPerSecond),
  }
}
