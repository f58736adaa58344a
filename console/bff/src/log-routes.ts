/** Logs of processes, as they are written. */
import { limits } from './limits.ts'
import { LineStreams, sendLines } from './line-streams.ts'
import type { Call, Parts, Route } from './route.ts'

/** What a page asks of the log lines: those that are there, and those that come. */
export const logRoutes = (parts: Parts): readonly Route[] => {
  const { logStreamsMax: max, logStreamsPerAddressMax: perAddressMax } = limits
  const streams = new LineStreams(parts, { max, perAddressMax }, 'logs are being read')
  return [
    {
      method: 'GET',
      path: /^\/api\/processes\/([\w-]{1,64})\/logs$/,
      access: 'page',
      handle: (call) => sendLogs(parts, streams, call),
    },
  ]
}

async function sendLogs({ supervisor }: Parts, streams: LineStreams, call: Call): Promise<void> {
  const {
    params: [target = ''],
    query,
  } = call
  const lines = Math.min(limits.logLinesMax, Number(query.get('lines') ?? 200) || 0)
  await streams.during(call, async (signal) => {
    const follow = query.get('follow') === '1'
    await sendLines(call.response, await supervisor.logs(target, lines, follow, signal))
  })
}
