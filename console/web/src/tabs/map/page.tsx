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
import { Panel } from './panel.tsx'
import { Stage } from './stage.tsx'
import { useTraffic } from './traffic.ts'
import { mapWords } from './words.ts'
import './map.css'

/** The first page. `?node=` names what is chosen, by its id or, for a service, by its name; `?view=table` is the list. */
export default function MapPage() {
  const query = useQuery()
  const processes = useLive((state) => state.processes)
  const [bursts] = useState(() => new Bursts(processes))
  const { edges, away } = useTraffic((frame) => bursts.add(frame))
  useEffect(() => bursts.knows(processes), [bursts, processes])
  const graph = useMemo(() => graphOf(declared, processes, edges), [processes, edges])
  const asked = query.get('node')
  const chosen = graph.nodes.find(({ id, name }) => id === asked || name === asked)
  const carrier = processes.find(({ service }) => service === asked && carriersOf(processes).includes(service))
  const node = chosen ?? (carrier && nodeOfCarrier(carrier, processes))
  const table = query.get('view') === 'table'
  const choose = (id: string | undefined) => say({ node: id })
  const [frozen, setFrozen] = useState(false)
  return (
    <div className="map-page" data-panel={node !== undefined || undefined}>
      <div className="map-body">
        <MapBar edges={edges} away={away} frozen={frozen} freeze={setFrozen} table={table} />
        {table ? (
          <EdgesTable graph={graph} />
        ) : (
          <Stage
            graph={graph}
            bursts={bursts}
            frozen={frozen}
            chosen={chosen?.id}
            choose={choose}
            taken={node === undefined ? 0 : panelWidth()}
          />
        )}
        <Carriers chosen={carrier?.service} choose={choose} />
        {!table && <Legend />}
      </div>
      {node !== undefined && <Panel key={node.id} node={node} graph={graph} close={() => choose(undefined)} />}
    </div>
  )
}

interface MapBarProps {
  readonly edges: ReturnType<typeof useTraffic>['edges']
  readonly away: boolean
  readonly frozen: boolean
  readonly freeze: (frozen: boolean) => void
  readonly table: boolean
}

function MapBar({ edges, away, frozen, freeze, table }: MapBarProps) {
  const words = useWords(mapWords)
  return (
    <div className="map-bar">
      <Totals edges={edges} away={away} />
      <PlaceOrder />
      <button type="button" aria-pressed={frozen} onClick={() => freeze(!frozen)} disabled={table}>
        <Icon name={frozen ? 'start' : 'pause'} />
        {frozen ? words.goOn : words.hold}
      </button>
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
function Totals({ edges, away }: { edges: ReturnType<typeof useTraffic>['edges']; away: boolean }) {
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
function PlaceOrder() {
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

/** The processes that carry all the others: an edge to each would hide the rest. */
function Carriers({ chosen, choose }: { chosen: string | undefined; choose: (name: string | undefined) => void }) {
  const words = useWords(mapWords)
  const processes = useLive((state) => state.processes)
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
