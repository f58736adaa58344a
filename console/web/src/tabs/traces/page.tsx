/** Traces: looked for by what their spans are like, and one of them as a waterfall. */
import { Found } from './found.tsx'
import { OneTrace } from './one-trace.tsx'
import './traces.css'

/** @param rest of the path: the id of the trace that is shown */
export default function TracesPage({ rest }: { rest: string }) {
  return rest === '' ? <Found /> : <OneTrace key={rest} traceId={rest} />
}
