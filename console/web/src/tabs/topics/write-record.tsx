/** An event of the topic's contract, written by an operator. What is wrong with it is said beside the form. */
import { useId, useState } from 'react'
import type { RecordsAnswer, TopicView, WriteAnswer } from '../../../../protocol.ts'
import { live, read } from '../../live/connection.ts'
import { Icon } from '../../shell/icons.tsx'
import { useWords } from '../../shell/preferences.ts'
import { Twice } from '../../shell/twice.tsx'
import { readable } from './question.ts'
import { topicWords } from './words.ts'

interface WriteRecordProps {
  readonly topic: string
  readonly written: NonNullable<TopicView['written']>
}

/** Closed until it is asked for: most who come here look. */
export function WriteRecord({ topic, written }: WriteRecordProps) {
  const words = useWords(topicWords)
  return (
    <details className="card write-record">
      <summary>{words.write}</summary>
      <Form topic={topic} written={written} />
    </details>
  )
}

/** What is written, and what came of sending it. */
function useWish({ topic, written }: WriteRecordProps) {
  const words = useWords(topicWords)
  const [type, setType] = useState(written.types[0] ?? '')
  const [key, setKey] = useState('')
  const [value, setValue] = useState('{}')
  const [outcome, setOutcome] = useState<{ readonly text: string; readonly good: boolean }>()
  const failed = (error: unknown) => setOutcome({ text: words.couldNot(error), good: false })
  const asNewest = async () => {
    const question = new URLSearchParams({ header: `ce_type=${type}`, limit: '1' })
    const path = `/api/topics/${topic}/records?${question}`
    const [newest] = (await read<RecordsAnswer>(path, AbortSignal.timeout(10_000))).records
    if (newest === undefined) return setOutcome({ text: words.noRecords, good: false })
    setKey(newest.key)
    setValue(readable(newest.value))
  }
  const send = () =>
    live.write(topic, { type, key, value }).then((answer) => {
      setOutcome({ text: words.written(placeOf(answer)), good: true })
    }, failed)
  return { type, setType, key, setKey, value, setValue, outcome, send, asNewest: () => void asNewest().catch(failed) }
}

function Form({ topic, written }: WriteRecordProps) {
  const words = useWords(topicWords)
  const id = useId()
  const { type, setType, key, setKey, value, setValue, outcome, send, asNewest } = useWish({ topic, written })
  return (
    <div className="write-form">
      <p className="hint">{words.writeHint}</p>
      <div className="filters">
        <div className="field">
          <label htmlFor={`${id}-type`}>{words.type}</label>
          <select id={`${id}-type`} value={type} onChange={({ target }) => setType(target.value)}>
            {written.types.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        <div className="field">
          <label htmlFor={`${id}-key`}>{words.keyIs(written.key)}</label>
          <input
            id={`${id}-key`}
            type="text"
            maxLength={500}
            value={key}
            onChange={({ target }) => setKey(target.value)}
          />
        </div>
        <button type="button" onClick={asNewest}>
          <Icon name="restart" />
          {words.newest}
        </button>
      </div>
      <label htmlFor={`${id}-value`}>{words.json}</label>
      <textarea
        id={`${id}-value`}
        rows={8}
        spellCheck={false}
        value={value}
        onChange={({ target }) => setValue(target.value)}
      />
      <p className="buttons">
        <Twice icon="topic" text={words.send} really={words.reallySend(topic)} disabled={key === ''} act={send} />
      </p>
      <p role="status" className={outcome?.good === false ? 'error' : 'hint'}>
        {outcome?.text}
      </p>
    </div>
  )
}

const placeOf = ({ id, partition, offset }: WriteAnswer): string =>
  partition === undefined ? id : `${partition}/${offset}, ${id}`
