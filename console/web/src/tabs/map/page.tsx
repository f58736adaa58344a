/** The system as a map: what runs, what passes between its parts, and what can be done to them. */
import { declared } from 'virtual:declared'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Process } from '../../../../protocol.ts'
import { live } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { decimal } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { Link, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { inEnglish, inRussian } from '../../shell/refusals.ts'
import { Bursts } from './bursts.ts'
import { EdgesTable } from './edges-table.tsx'
import { carriersOf, graphOf, idOfProcess, type MapNode } from './graph.ts'
import { Legend } from './legend.tsx'
import { momentText } from './moment.ts'
import { Panel } from './panel.tsx'
import { Stage } from './stage.tsx'
import { TimeBar } from './time-bar.tsx'
import { useTraffic } from './traffic.ts'
import { type Moment, useMoment } from './use-moment.ts'
import { usePast } from './use-past.ts'
import { mapWords } from './words.ts'
import './map.css'

/**
 * The first page. `?node=` names what is chosen, by its id or, for a service, by its name; `?view=table` is the list;
 * `?at=` is a moment of the last quarter of an hour.
 */
export default function MapPage() {
  const query = useQuery()
  const moment = useMoment()
  const { shown, past, bursts } = useShown(moment)
  const { edges, processes, breakers } = shown
  const graph = useMemo(() => graphOf(declared, processes, edges, breakers), [processes, edges, breakers])
  const asked = query.get('node')
  const chosen = graph.nodes.find(({ id, name }) => id === asked || name === asked)
  const carrier = processes.find(({ service }) => service === asked && carriersOf(processes).includes(service))
  const node = chosen ?? (carrier && nodeOfCarrier(carrier, processes))
  const table = query.get('view') === 'table'
  const choose = (id: string | undefined) => say({ node: id })
  return (
    <div className="map-page" data-panel={node !== undefined || undefined} data-moment={shown.moment}>
      <div className="map-body">
        <MapBar shown={shown} table={table} placed={() => moment.show(undefined)} />
        {table ? (
          <EdgesTable graph={graph} />
        ) : (
          <Stage
            graph={graph}
            bursts={bursts}
            frozen={moment.atMs !== undefined && !moment.playing}
            chosen={chosen?.id}
            choose={choose}
            taken={node === undefined ? 0 : panelWidth()}
          />
        )}
        <TimeBar moment={moment} past={past} />
        <Carriers processes={processes} chosen={carrier?.service} choose={choose} />
        {!table && <Legend />}
      </div>
      {node !== undefined && (
        <Panel key={node.id} node={node} graph={graph} atMs={moment.atMs} close={() => choose(undefined)} />
      )}
    </div>
  )
}

interface Shown {
  readonly edges: ReturnType<typeof useTraffic>['edges']
  readonly breakers: ReturnType<typeof useTraffic>['breakers']
  readonly processes: readonly Process[]
  /** The telemetry doesn't answer. */
  readonly away: boolean
  /** Of the past, as an address says it. */
  readonly moment?: string
}

/** What the map is made of, at the present or at another moment. */
function useShown({ atMs, range, playing, speed }: Moment) {
  const processes = useLive((state) => state.processes)
  const [bursts] = useState(() => new Bursts(processes))
  const present = useTraffic(atMs === undefined, (frame) => bursts.add(frame))
  const past = usePast(atMs, range.toMs, playing ? speed : undefined, (frame) => bursts.add(frame))
  const isPast = past.frame !== undefined && past.kept !== undefined
  const then = isPast ? past.processes : processes
  useEffect(() => bursts.knows(then), [bursts, then])
  const shown: Shown = isPast
    ? {
        edges: past.frame.edges,
        breakers: past.frame.breakers,
        processes: then,
        away: past.away,
        moment: momentText(past.frame.atMs),
      }
    : { ...present, processes, away: present.away || past.away }
  return { shown, past: past.kept, bursts }
}

interface MapBarProps {
  readonly shown: Shown
  readonly table: boolean
  /** An order was placed: whoever does it wants to see it. */
  readonly placed: () => void
}

function MapBar({ shown, table, placed }: MapBarProps) {
  const words = useWords(mapWords)
  return (
    <div className="map-bar">
      <Totals {...shown} />
      <PlaceOrder placed={placed} />
      <fieldset className="switch">
        <legend className="unseen">{words.view}</legend>
        {(['picture', 'table'] as const).map((view) => (
          <label key={view}>
            <input
              type="radio"
              name="map-view"
              checked={(view === 'table') === table}
              onChange={() => say({ view: view === 'table' ? view : undefined })}
            />
            <span>{words[view]}</span>
          </label>
        ))}
      </fieldset>
    </div>
  )
}

/** For the panel: on the map itself it is no more than a name below. */
const nodeOfCarrier = (carrier: Process, processes: readonly Process[]): MapNode => ({
  id: idOfProcess(carrier),
  kind: 'service',
  name: carrier.service,
  health: 'quiet',
  waiting: 0,
  instances: processes.filter(({ service }) => service === carrier.service),
})

/** As map.css has it: on a small screen the panel lies over the map. */
const panelWidth = (): number => (innerWidth <= 900 ? 0 : innerWidth <= 1100 ? 330 : 372)

/** What passes, in a line; its place is kept while nothing is known. */
function Totals({ edges, away }: Pick<Shown, 'edges' | 'away'>) {
  const words = useWords(mapWords)
  const { language } = usePreferences()
  const sum = (of: 'count' | 'errors') =>
    (edges?.edges ?? []).reduce((total, edge) => total + edge[of], 0) / (edges?.windowS ?? 1)
  const [rate, failed] = [sum('count'), sum('errors')]
  return (
    <p className="map-totals">
      {away ? (
        <span className="bad">{words.noTelemetry}</span>
      ) : edges !== undefined && rate < 0.05 ? (
        words.quiet
      ) : (
        edges !== undefined && (
          <>
            <b>{words.passes(decimal(rate, language))}</b>
            {failed > 0 && <span className="bad">{words.errors(decimal(failed, language))}</span>}
          </>
        )
      )}
    </p>
  )
}

/** One touch, one order of the first demo user: something to watch. */
function PlaceOrder({ placed: done }: { placed: () => void }) {
  const words = useWords(mapWords)
  const { language } = usePreferences()
  const usable = useLive((state) => state.connection === 'open' && state.users.ada.state === 'ready')
  const product = useLive((state) => state.products.find(({ available }) => available > 0)?.id)
  const placing = useRef(false)
  const [placed, setPlaced] = useState<string>()
  const place = async () => {
    if (placing.current) return
    placing.current = true
    try {
      const { id } = await live.placeOrder('ada', {
        items: [{ productId: product ?? 'P-1001', quantity: 1 }],
        payment: 'queue',
        paymentMethod: 'pm_ok',
        deliveryMethod: 'dm_ok',
      })
      setPlaced(id)
      done()
    } catch (error) {
      notify(words.refused(language === 'ru' ? inRussian(error) : inEnglish(error)))
    } finally {
      placing.current = false
    }
  }
  return (
    <>
      {placed !== undefined && (
        <Link className="button quiet" href={`/orders/${placed}`}>
          {words.story}
        </Link>
      )}
      <button type="button" className="main place" disabled={!usable} onClick={() => void place()}>
        <Icon name="cart" />
        {words.place}
      </button>
    </>
  )
}

interface CarriersProps {
  readonly processes: readonly Process[]
  readonly chosen: string | undefined
  readonly choose: (name: string | undefined) => void
}

/** The processes that carry all the others: an edge to each would hide the rest. */
function Carriers({ processes, chosen, choose }: CarriersProps) {
  const words = useWords(mapWords)
  return (
    <nav className="carriers" aria-label={words.carriers}>
      <span className="hint">{words.carriers}</span>
      {carriersOf(processes).map((name) => {
        const own = processes.filter(({ service }) => service === name)
        const ready = own.every(({ status }) => status === 'ready')
        return (
          <button
            key={name}
            type="button"
            aria-pressed={name === chosen}
            onClick={() => choose(name === chosen ? undefined : name)}
          >
            <span className={`dot ${ready ? 'good' : 'bad'}`} />
            {name}
          </button>
        )
      })}
    </nav>
  )
}
