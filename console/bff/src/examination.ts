/**
 * What examines the system now, a proof or an experiment: begun from here, at a terminal, or by a console that was killed
 * meanwhile. One at a time; a page may end any.
 */
import { type Examination, whyNotBeside } from '@svyaz/contracts/examination.ts'
import { Problem, readJsonObject, sendJson } from '@svyaz/stage'
import { limits } from './limits.ts'
import { acted, type Parts, type Route } from './route.ts'

type Examiners = Pick<Parts, 'assignment' | 'faultLab' | 'supervisor'>

/** What this server has begun itself comes first: its program hasn't said so yet in its first second. */
export async function examinationIn({ assignment, faultLab, supervisor }: Examiners): Promise<Examination | undefined> {
  const { run } = assignment
  const { experiment } = faultLab
  if (run?.isRunning) return { kind: 'proof', of: run.asked, since: run.startedAt, stopping: run.stopped === true }
  if (experiment?.running) return { kind: 'experiment', of: String(experiment.asked.seed), since: experiment.startedAt }
  return supervisor.examination()
}

/** @throws Problem 409 that names what is under way */
export async function assertNoneUnderWay(examiners: Examiners): Promise<void> {
  const refusal = whyNotBeside(await examinationIn(examiners))
  if (refusal?.code === 'proof_under_way') throw new Problem(409, 'proof_under_way', refusal.detail)
  if (refusal?.code === 'experiment_under_way') throw new Problem(409, 'experiment_under_way', refusal.detail)
}

/** `POST /api/examination/stop` ends what is under way, whoever began it. */
export const examinationRoutes = (parts: Parts): readonly Route[] => [
  {
    method: 'POST',
    path: /^\/api\/examination\/stop$/,
    access: 'operator',
    handle: async ({ request, response }) => {
      await readJsonObject(request, limits.bodyBytesMax)
      const underWay = await examinationIn(parts)
      const { kind, of } = underWay ?? { kind: 'proof', of: '–' }
      const target = kind === 'proof' ? of : `experiment-${of}`
      await acted(parts, request, { action: 'examination-stop', target }, () => stop(parts))
      sendJson(response, 200, {})
    },
  },
]

async function stop({ assignment, faultLab, supervisor }: Examiners): Promise<void> {
  if (assignment.run?.isRunning) assignment.stop()
  else if (faultLab.experiment?.running) faultLab.stop()
  else await supervisor.stopExamination()
}
