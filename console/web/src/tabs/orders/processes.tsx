/** Every process, how it is, and what can be done to it. */
import { useState } from 'react'
import type { Outage, Process } from '../../../../protocol.ts'
import { live } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { age, duration } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { useNow } from '../../shell/now.ts'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Act } from './act.tsx'
import { orderWords } from './words.ts'
import './processes.css'

/** What people come to kill stands first. */
const kinds: readonly Process['kind'][] = ['service', 'platform', 'engine', 'outside', 'console']

/** The processes with what can be done to them. */
export function Processes() {
  const words = useWords(orderWords)
  const processes = useLive((state) => state.processes)
  const known = useLive((state) => state.supervised || state.connection === 'opening')
  const byKind = Map.groupBy(processes, ({ kind }) => kind)
  return (
    <section className="card processes" aria-label={words.processes}>
      <h2>{words.processes}</h2>
      {!known && <p className="hint">{words.noSupervisor}</p>}
      {kinds.map((kind) => {
        const list = byKind.get(kind)
        return (
          list && (
            <div key={kind} className="process-group">
              <h3>{words.kinds[kind]}</h3>
              <ul>
                {[...Map.groupBy(list, ({ service }) => service)].map(([service, instances]) => (
                  <Service key={service} service={service} instances={instances} />
                ))}
              </ul>
            </div>
          )
        )
      })}
    </section>
  )
}

/** The instances of a service; where there are several, a line above them that speaks of all. */
export function Service({ service, instances }: { service: string; instances: readonly Process[] }) {
  const words = useWords(orderWords)
  return (
    <>
      {instances.length > 1 && (
        <li className="process all">
          <span className="name">
            {service} <span className="hint">× {instances.length}</span>
          </span>
          <span className="acts">
            <Act action="kill" target={service} label={words.killAll(service)} />
          </span>
        </li>
      )}
      {instances.map((process) => (
        <Instance key={process.name} process={process} count={instances.length} />
      ))}
    </>
  )
}

function Instance({ process, count }: { process: Process; count: number }) {
  const words = useWords(orderWords)
  const [open, setOpen] = useState(false)
  const { name, status, pid, restarts, memoryBudgetMb, kind } = process
  const memory = useLive((state) => state.memory[name])
  const running = pid !== undefined
  return (
    <li className="process" data-process={name} data-status={status}>
      <span className={`dot ${lookOf(status)}`} />
      <span className="name">{name}</span>
      <span className="acts">
        {running ? (
          <Act action="kill" target={name} />
        ) : (
          <Act action="start" target={name} icon="start" disabled={status !== 'stopped'} />
        )}
        <Act action="restart" target={name} disabled={status === 'stopped'} />
        <button
          type="button"
          className="quiet square"
          aria-expanded={open}
          aria-label={words.more(name)}
          title={words.more(name)}
          onClick={() => setOpen(!open)}
        >
          <Icon name="more" />
        </button>
      </span>
      <p className="facts hint">
        <State process={process} />
        {pid !== undefined && <span>{words.pid(pid)}</span>}
        {memory !== undefined && running && <span title={words.budget(memoryBudgetMb)}>{words.memory(memory)}</span>}
        {restarts > 0 && <span>{words.restarts(restarts)}</span>}
      </p>
      {open && (
        <div className="more">
          <Link href={`/logs/${name}`} className="button" aria-label={words.logsOf(name)}>
            <Icon name="log" /> {words.logsOf(name)}
          </Link>
          {kind !== 'console' && (
            <>
              {running && <Act action="stop" target={name} icon="stop" text />}
              {status === 'paused' ? (
                <Act action="resume" target={name} icon="start" text />
              ) : (
                running && <Act action="pause" target={name} icon="pause" text />
              )}
            </>
          )}
          {process.scalable && <Scale service={process.service} count={count} />}
        </div>
      )}
    </li>
  )
}

const lookOf = (status: Process['status']): string =>
  status === 'ready' ? 'good' : status === 'stopped' || status === 'backing-off' || status === 'paused' ? 'bad' : 'busy'

/** How long a recovery is worth telling of. */
const toldForMs = 20_000

/** Its state in a word when it isn't ready; after a fall, how long it was away; else how long it has been up. */
function State({ process: { name, status, startedAt } }: { process: Process }) {
  const words = useWords(orderWords)
  const outages = useLive((state) => state.outages)
  const last: Outage | undefined = outages.findLast(({ instance }) => instance === name)
  const { language } = usePreferences()
  const fresh =
    last !== undefined && (last.until === undefined || Date.now() - Date.parse(last.until) < toldForMs + 5_000)
  const now = useNow(last === undefined || !fresh ? 0 : last.until === undefined ? 200 : 2_000)
  if (status !== 'ready')
    return (
      <span className="state bad">
        {words.states[status]}
        {last?.until === undefined && last !== undefined && (
          <span aria-hidden="true"> · {duration(Math.max(0, now - Date.parse(last.from)), language)}</span>
        )}
      </span>
    )
  if (last?.until !== undefined && now - Date.parse(last.until) < toldForMs)
    return (
      <span className="state good">
        {words.backIn(duration(Date.parse(last.until) - Date.parse(last.from), language))}
      </span>
    )
  return startedAt === undefined ? null : <Uptime startedAt={startedAt} />
}

function Uptime({ startedAt }: { startedAt: string }) {
  const words = useWords(orderWords)
  const { language } = usePreferences()
  const now = useNow(10_000)
  return <span>{words.up(age(now - Date.parse(startedAt), language))}</span>
}

function Scale({ service, count }: { service: string; count: number }) {
  const words = useWords(orderWords)
  const scale = (wanted: number) => live.scale(service, wanted).catch((error: unknown) => notify(words.refused(error)))
  return (
    <span className="scale">
      <span className="hint">{words.instances}</span>
      <button
        type="button"
        className="quiet square"
        aria-label={words.fewer(service)}
        title={words.fewer(service)}
        disabled={count <= 1}
        onClick={() => void scale(count - 1)}
      >
        <Icon name="minus" />
      </button>
      <span>{count}</span>
      <button
        type="button"
        className="quiet square"
        aria-label={words.another(service)}
        title={words.another(service)}
        disabled={count >= 8}
        onClick={() => void scale(count + 1)}
      >
        <Icon name="plus" />
      </button>
    </span>
  )
}
