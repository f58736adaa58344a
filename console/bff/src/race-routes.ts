/** The Protocol lab's race, one at a time: it is made of the same requests that people make. */
import { Places } from '@svyaz/listener'
import { Problem, readJsonObject } from '@svyaz/stage'
import { type RaceAsked, raceQuestions } from '../../race.ts'
import { limits } from './limits.ts'
import { sendJsonLines, whilePageIsThere } from './line-streams.ts'
import { race } from './race.ts'
import type { Call, Parts, Route } from './route.ts'

/** `POST /api/race`: lines of JSON as it runs. */
export const raceRoutes = (parts: Parts): readonly Route[] => {
  const track = new Places(1, 1)
  return [{ method: 'POST', path: /^\/api\/race$/, access: 'operator', handle: (call) => run(parts, track, call) }]
}

async function run(parts: Parts, track: Places, { request, response }: Call): Promise<void> {
  const asked = askedIn(await readJsonObject(request, limits.bodyBytesMax))
  const release = track.take('track')
  if (typeof release === 'string') throw new Problem(429, 'overloaded', 'another race is running')
  try {
    const lines = race(parts, asked, whilePageIsThere(response, parts))
    // What can't begin is refused, and not the end of an answer.
    const first = await lines.next()
    const all = async function* () {
      if (first.done !== true) yield first.value
      yield* lines
    }
    await sendJsonLines(response, all())
  } finally {
    release()
  }
}

/** @throws Problem 400 */
function askedIn({ question, id, runs }: Readonly<Record<string, unknown>>): RaceAsked {
  const known = raceQuestions.find((one) => one === question)
  if (known === undefined || typeof id !== 'string' || !/^[\w-]{1,100}$/.test(id) || typeof runs !== 'number')
    throw new Problem(400, 'invalid_request', `say question (${raceQuestions.join(', ')}), id and runs`)
  return { question: known, id, runs }
}
