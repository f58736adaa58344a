/** Every topic of the broker with who reads it, and how far behind. */
import { declared } from 'virtual:declared'
import type { TopicView } from '../../../../protocol.ts'
import type { DeclaredTopic } from '../../../declared.ts'
import { useRead } from '../../live/use-read.ts'
import { bytes, count } from '../../shell/format.ts'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { Heads, TableBox } from '../../shell/table-box.tsx'
import { topicWords } from './words.ts'

const againMs = 4_000

const known: readonly DeclaredTopic[] = declared.topics

/** What the contracts say of a topic; those of others have no kind. */
export function kindOf(name: string): 'event' | 'task' | 'dead' | 'other' {
  if (name.endsWith('.dlq')) return 'dead'
  return known.find((topic) => topic.name === name)?.kind ?? 'other'
}

const ranks = ['event', 'task', 'other', 'dead'] as const
const inOrder = (topics: readonly TopicView[]): TopicView[] =>
  topics.toSorted((a, b) => ranks.indexOf(kindOf(a.name)) - ranks.indexOf(kindOf(b.name)) || (a.name < b.name ? -1 : 1))

/** A row for each topic. */
export function TopicList() {
  const words = useWords(topicWords)
  const { answer, refused } = useRead<{ topics: readonly TopicView[] }>('/api/topics', againMs)
  if (answer === undefined)
    return refused === undefined ? <Skeleton rows={10} /> : <p className="card gone">{words.away(refused)}</p>
  if (answer.topics.length === 0) return <p className="card gone">{words.none}</p>
  return (
    <TableBox label={words.views.topics}>
      <table className="data">
        <Heads columns={[words.topic, { words: words.kind }, words.records, words.size, { words: words.readers }]} />
        <tbody>
          {inOrder(answer.topics).map((topic) => (
            <Row key={topic.name} topic={topic} />
          ))}
        </tbody>
      </table>
    </TableBox>
  )
}

function Row({ topic }: { topic: TopicView }) {
  const words = useWords(topicWords)
  const { language } = usePreferences()
  const kind = kindOf(topic.name)
  return (
    <tr data-topic={topic.name}>
      <th scope="row">
        <Link href={`/topics/${topic.name}`}>{topic.name}</Link>
      </th>
      <td className="words">
        <span className={`kind ${kind}`}>{words.kinds[kind]}</span>
      </td>
      <td>{count(topic.records, language)}</td>
      <td>{topic.bytes === undefined ? '–' : bytes(topic.bytes, language)}</td>
      <td className="words groups">
        {topic.groups.length === 0 && <span className="hint">–</span>}
        {topic.groups.map(({ group, lag, members }) => (
          <span key={group} data-away={members.length === 0 || undefined}>
            {group}
            {lag > 0 && <b> {words.behind(count(lag, language))}</b>}
          </span>
        ))}
      </td>
    </tr>
  )
}
