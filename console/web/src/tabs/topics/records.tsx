/** Records of a topic, newest first; each opens to its headers and its value. */
import { useEffect, useState } from 'react'
import type { RecordsAnswer, RecordView } from '../../../../protocol.ts'
import { live, Refused, read } from '../../live/connection.ts'
import { bytes, clock, count } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { questionOf, readable } from './question.ts'
import { topicWords } from './words.ts'

/** Records held; a page may be open for a day. */
const heldMax = 500
/** Who types waits this long for an answer. */
const typingMs = 300
/** A busy topic has hundreds a second: they are shown in batches. */
const showEveryMs = 250

interface RecordsProps {
  readonly topic: string
  readonly asked: URLSearchParams
  /** Whether those that come are shown too. */
  readonly follow: boolean
}

/** @param asked what the address asks for */
export function Records({ topic, asked, follow }: RecordsProps) {
  const words = useWords(topicWords)
  const { language } = usePreferences()
  const { answer, refused } = useRecords(topic, questionOf(asked), follow)
  if (answer === undefined)
    return refused === undefined ? <Skeleton rows={8} /> : <p className="card gone">{words.away(refused)}</p>
  return (
    <section className="card records" aria-label={words.list(topic)}>
      <p className="hint" role="status">
        {words.read(count(answer.read, language), count(answer.records.length, language))}
        {!answer.complete && ` · ${words.cut}`}
        {follow && ` · ${words.following}`}
      </p>
      {answer.records.length === 0 && <p className="hint">{words.noRecords}</p>}
      <ol>
        {answer.records.toReversed().map((record) => (
          <li key={`${record.partition}/${record.offset}`}>
            <OneRecord record={record} />
          </li>
        ))}
      </ol>
    </section>
  )
}

function OneRecord({ record }: { record: RecordView }) {
  const words = useWords(topicWords)
  const { language } = usePreferences()
  const { headers, traceId, partition, offset, atMs, key } = record
  const at = new Date(atMs).toISOString()
  return (
    <details>
      <summary>
        <time dateTime={at}>{clock(at, language)}</time>
        <span className="offset">
          {partition}/{offset}
        </span>
        <b>{headers.ce_type ?? words.noEvent}</b>
        <span className="key">{key}</span>
      </summary>
      <div className="record">
        {traceId !== undefined && (
          <Link className="button" href={`/traces/${traceId}`}>
            <Icon name="trace" />
            {words.trace}
          </Link>
        )}
        <h3>{words.headers}</h3>
        <dl>
          {Object.entries(headers).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <h3>
          {words.value}
          {new Blob([record.value]).size < record.bytes && (
            <span className="hint"> {words.valueCut(bytes(record.bytes, language))}</span>
          )}
        </h3>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
        <pre tabIndex={0}>{readable(record.value)}</pre>
      </div>
    </details>
  )
}

/** What is there, then what comes. */
function useRecords(topic: string, question: string, follow: boolean) {
  const [answer, setAnswer] = useState<RecordsAnswer>()
  const [refused, setRefused] = useState<Refused>()
  useEffect(() => {
    const gone = new AbortController()
    const begin = async () => {
      try {
        setAnswer(await read<RecordsAnswer>(`/api/topics/${topic}/records?${question}`, gone.signal))
        setRefused(undefined)
      } catch (error) {
        if (gone.signal.aborted) return
        setAnswer(undefined)
        setRefused(error as Refused)
      }
    }
    const timer = setTimeout(() => void begin(), typingMs)
    return () => {
      clearTimeout(timer)
      gone.abort()
    }
  }, [topic, question])
  useEffect(() => {
    if (!follow) return
    const gone = new AbortController()
    let waiting: RecordView[] = []
    const timer = setInterval(() => {
      if (waiting.length === 0) return
      const fresh = waiting
      waiting = []
      setAnswer((before) => before && withNew(before, fresh))
    }, showEveryMs)
    const listen = async () => {
      for await (const record of live.records(topic, question, gone.signal)) waiting.push(record)
    }
    listen().catch((error: unknown) => {
      if (!gone.signal.aborted && error instanceof Refused) setRefused(error)
    })
    return () => {
      gone.abort()
      clearInterval(timer)
    }
  }, [topic, question, follow])
  return { answer, refused }
}

/** The first answer and the first of those that come may be the same. */
function withNew(before: RecordsAnswer, fresh: readonly RecordView[]): RecordsAnswer {
  const known = new Set(before.records.map(({ partition, offset }) => `${partition}/${offset}`))
  const added = fresh.filter(({ partition, offset }) => !known.has(`${partition}/${offset}`))
  return {
    ...before,
    read: before.read + added.length,
    records: [...before.records, ...added].sort((a, b) => a.atMs - b.atMs).slice(-heldMax),
  }
}
