/** Logs: those of all processes, which the telemetry reads and searches, or that of one as it is written. */
import { useLive } from '../../live/use-live.ts'
import { Link } from '../../shell/place.tsx'
import { useWords } from '../../shell/preferences.ts'
import { AllLogs } from './all-logs.tsx'
import { OneLog } from './one-log.tsx'
import { logWords } from './words.ts'
import './logs.css'

/**
 * The Logs tab.
 * @param rest of the path: the process whose log is shown; empty for all
 */
export default function LogsPage({ rest }: { rest: string }) {
  const words = useWords(logWords)
  const processes = useLive((state) => state.processes)
  const target = rest === '' ? undefined : rest
  return (
    <div className="logs-page">
      <nav className="card" aria-label={words.instances}>
        <Link href="/logs" aria-current={target === undefined ? 'page' : undefined}>
          {words.all}
        </Link>
        {processes.map(({ name, status }) => (
          <Link key={name} href={`/logs/${name}`} aria-current={name === target ? 'page' : undefined}>
            <span className={`dot ${status === 'ready' ? 'good' : 'busy'}`} />
            {name}
          </Link>
        ))}
      </nav>
      <section className="card" aria-label={target === undefined ? words.all : words.log(target)}>
        {target === undefined ? <AllLogs /> : <OneLog key={target} target={target} />}
      </section>
    </div>
  )
}
