/** The assignment for pages: its rows with what came of them, a proof that is begun, and what it says. */
import { Problem, readJsonObject, sendJson } from '@svyaz/stage'
import type { AssignmentAnswer } from '../../assignment.ts'
import { assertNoneUnderWay, examinationIn } from './examination.ts'
import { sessionOf } from './guard.ts'
import { limits } from './limits.ts'
import { LineStreams, sendJsonLines } from './line-streams.ts'
import { acted, type Parts, type Route } from './route.ts'

/** `GET /api/assignment`; `POST /api/assignment/run` with `{row}`; `GET /api/assignment/output`, lines of JSON. */
export function assignmentRoutes(parts: Parts): readonly Route[] {
  const { assignment, sessions, operators, supervisor } = parts
  const places = { max: limits.proofStreamsMax, perAddressMax: limits.proofStreamsPerAddressMax }
  const streams = new LineStreams(parts, places, 'pages read what a proof says')
  return [
    {
      method: 'GET',
      path: /^\/api\/assignment$/,
      access: 'page',
      handle: async ({ response }) => {
        const { run, found } = assignment
        const other = run?.isRunning ? undefined : await examinationIn(parts)
        const body: AssignmentAnswer = {
          sections: assignment.isThere ? await assignment.sections() : [],
          found,
          canRun: assignment.isThere && supervisor.supervised,
          ...(run === undefined ? {} : { run }),
          ...(other === undefined ? {} : { other }),
        }
        sendJson(response, 200, body)
      },
    },
    {
      method: 'POST',
      path: /^\/api\/assignment\/run$/,
      access: 'operator',
      handle: async ({ request, response }) => {
        const { row } = await readJsonObject(request, limits.bodyBytesMax)
        if (typeof row !== 'string' || !/^[\w.-]{1,40}$/.test(row))
          throw new Problem(422, 'invalid_request', 'row is the id of a row or of a section')
        const session = sessionOf(request, sessions)
        await acted(parts, request, { action: 'prove', target: row }, async () => {
          // Without a system the program would start one.
          if (!supervisor.supervised) throw new Problem(503, 'no_supervisor', 'no system runs here that can be judged')
          await assertNoneUnderWay(parts)
          await assignment.start(row, operators.known(session)?.name ?? '', () => new Date().toISOString())
        })
        sendJson(response, 200, {})
      },
    },
    {
      method: 'GET',
      path: /^\/api\/assignment\/output$/,
      access: 'operator',
      handle: async (call) => {
        await streams.during(call, (signal) => sendJsonLines(call.response, assignment.output(signal)))
      },
    },
  ]
}
