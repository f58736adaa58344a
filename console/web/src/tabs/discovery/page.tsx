/** Who is registered with discovery, ours or Consul: where, with what checks, heard of when, and whether it is believed. */
import { declared } from 'virtual:declared'
import type { DiscoveredInstance, DiscoveredService, DiscoveryAnswer, DiscoveryCheck } from '../../../../protocol.ts'
import { useRead } from '../../live/use-read.ts'
import { FindField } from '../../shell/find-field.tsx'
import { clock, duration } from '../../shell/format.ts'
import { useNow } from '../../shell/now.ts'
import { Link, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Radios } from '../../shell/radios.tsx'
import { Skeleton } from '../../shell/skeleton.tsx'
import { Heads, TableBox } from '../../shell/table-box.tsx'
import './discovery.css'
import { beatOf, shownOf, statusOf } from './shown.ts'
import { discoveryWords } from './words.ts'

const againMs = 2_000

/** Others sign nothing, and are called only where a route says so. */
const signing: ReadonlySet<string> = new Set(declared.services)

/** `?q=` is looked for, `?state=bad` leaves out those that pass. */
export default function DiscoveryPage() {
  const words = useWords(discoveryWords)
  const query = useQuery()
  const [text, badOnly] = [query.get('q') ?? '', query.get('state') === 'bad']
  const { answer, refused } = useRead<DiscoveryAnswer>('/api/discovery', againMs)
  return (
    <div className="page discovery-page">
      <search className="card filters">
        <FindField wide label={words.find} hint={words.findHint} value={text} find={(q) => say({ q })} />
        <Radios
          name="discovery-state"
          legend={words.state}
          names={words.states}
          value={badOnly ? 'bad' : 'all'}
          choose={(state) => say({ state: state === 'bad' ? state : undefined })}
        />
      </search>
      {answer === undefined ? (
        refused === undefined ? (
          <Skeleton rows={10} />
        ) : (
          <p className="card gone">{words.away(refused)}</p>
        )
      ) : (
        <>
          {refused !== undefined && <p className="card gone">{words.stale(refused)}</p>}
          <Registered answer={answer} services={shownOf(answer.services, text, badOnly)} />
        </>
      )}
    </div>
  )
}

function Registered({ answer, services }: { answer: DiscoveryAnswer; services: readonly DiscoveredService[] }) {
  const words = useWords(discoveryWords)
  const columns = [words.check, words.beat, words.address, words.ports, words.signature]
  if (answer.services.length === 0) return <p className="card gone">{words.none}</p>
  const instances = services.reduce((sum, one) => sum + one.instances.length, 0)
  return (
    <>
      <p className="hint counts" role="status">
        {instances === 0 ? words.noneLike : words.count(instances, services.length)}
        {!answer.complete && ` · ${words.cut}`}
      </p>
      {instances > 0 && (
        <TableBox label={words.table}>
          <table className="data">
            <Heads columns={[words.instance, ...columns.map((title) => ({ words: title }))]} />
            <tbody>
              {services.flatMap(({ name, instances: own }) =>
                own.map((one) => <Row key={`${name}/${one.id}`} service={name} instance={one} />),
              )}
            </tbody>
          </table>
        </TableBox>
      )}
      <ul className="nodes">
        {answer.nodes.map(({ node, address, checks }) => (
          <li key={node} className="hint">
            {words.node(node)} <span className="mono">{address}</span>
            {checks.map((check) => (
              <State key={check.id} check={check} />
            ))}
          </li>
        ))}
      </ul>
    </>
  )
}

function Row({ service, instance }: { service: string; instance: DiscoveredInstance }) {
  const words = useWords(discoveryWords)
  const { language } = usePreferences()
  const { id, address, ports, checks, signature, signedAt, tags } = instance
  const believed = signature === 'signed' || signature === 'unchecked' || !signing.has(service)
  return (
    <tr data-instance={id} data-status={statusOf(instance)} data-signature={signature}>
      <th scope="row">
        <Link href={`/?node=${encodeURIComponent(service)}`}>{service}</Link> <span className="id">{id}</span>
        {tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
      </th>
      <td className="words">
        {checks.length === 0 ? <span className="hint">{words.noChecks}</span> : null}
        {checks.map((check) => (
          <State key={check.id} check={check} />
        ))}
      </td>
      <td className="words">
        <Beat at={beatOf(instance)} />
      </td>
      <td className="words mono">{address}</td>
      <td className="words">
        {Object.entries(ports).map(([role, port]) => (
          <span key={role} className="port">
            {role} <b className="mono">{port}</b>
          </span>
        ))}
      </td>
      <td className={believed ? 'words' : 'words bad'}>
        {words.signatures[signature] ?? signature}
        {signedAt !== undefined && <span className="hint"> {words.since(clock(signedAt, language))}</span>}
      </td>
    </tr>
  )
}

const looks = { passing: 'good', warning: 'busy', maintenance: 'busy', critical: 'bad' } as const

function State({ check: { status, name, type, output, beatAt } }: { check: DiscoveryCheck }) {
  const words = useWords(discoveryWords)
  return (
    <span className="check-state" title={[name, type, output].filter(Boolean).join(' · ')}>
      <span className={`dot ${looks[status]}`} />
      {words.statuses[status]}
      {output !== '' && beatAt === undefined && status !== 'passing' && <span className="hint">{output}</span>}
    </span>
  )
}

/** By the clock of the console's server; the instance said it by its own. */
function Beat({ at }: { at: string | undefined }) {
  const words = useWords(discoveryWords)
  const { language } = usePreferences()
  const now = useNow(at === undefined ? 0 : 1_000)
  if (at === undefined) return <span className="hint">–</span>
  const seconds = Math.max(0, Math.floor((now - Date.parse(at)) / 1_000))
  return <time dateTime={at}>{words.ago(duration(seconds * 1_000, language).replace(/[.,]0+(?=\D)/, ''))}</time>
}
