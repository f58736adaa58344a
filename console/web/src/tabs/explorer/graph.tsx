/** GraphQL: a question with its variables, asked or subscribed to, beside the schema of the composed graph. */
import { type KeyboardEvent, useId, useState } from 'react'
import { live } from '../../live/connection.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { say, useQuery } from '../../shell/place.tsx'
import { useWords } from '../../shell/preferences.ts'
import { Command } from './answer.tsx'
import { asCurl } from './commands.ts'
import { api, type KindProps } from './contracts.ts'
import { useKnown } from './form.tsx'
import { GraphSchema } from './graph-schema.tsx'
import { questionOf, subscribes, variablesFor } from './question.ts'
import { Outcome, useGateway, useSending } from './rest.tsx'
import { Watched } from './watched.tsx'
import { explorerWords } from './words.ts'

const { documents, types } = api.graph
/** A longer question isn't kept in the address. */
const addressCharsMax = 3_000

/** The question is in the address. */
export function Graph({ as }: KindProps) {
  const words = useWords(explorerWords)
  const gateway = useGateway('http')
  const known = useKnown(as)
  const address = useQuery()
  const [own, setOwn] = useState<string>()
  const [variables, setVariables] = useState<string>()
  const document = own ?? address.get('query') ?? documents['my-orders'] ?? ''
  const given = variables ?? JSON.stringify(variablesFor(document, known), null, 2)
  const question = readQuestion(document, given)
  const request = { method: 'POST', path: '/graphql', headers: {}, body: question }
  const { outcome, send } = useSending(as, request)
  const isStream = subscribes(document)
  const write = (next: string) => {
    setOwn(next)
    say({ query: next.length > addressCharsMax ? undefined : next })
  }
  const ask = (next: string) => {
    setVariables(undefined)
    write(next)
  }
  const run = async () => (question === undefined ? notify(words.notJson) : send())
  return (
    <div className="explorer-columns graph">
      <div className="explorer-work">
        <Editor
          document={document}
          variables={given}
          fits={question !== undefined}
          ask={ask}
          write={write}
          writeVariables={setVariables}
          run={isStream ? undefined : run}
        />
        {isStream && question !== undefined && (
          <Watched
            key={document + given}
            begin={(signal) => live.watchApi({ kind: 'events', as, ...request }, signal)}
          />
        )}
        {!isStream && <Outcome outcome={outcome} />}
        {question !== undefined && (
          <Command title={words.curl} command={asCurl(gateway, request, as === 'nobody', isStream)} />
        )}
      </div>
      <GraphSchema types={types} ask={ask} />
    </div>
  )
}

interface EditorProps {
  readonly document: string
  readonly variables: string
  /** Whether the variables are JSON. */
  readonly fits: boolean
  /** Takes a whole document, whose variables begin again. */
  readonly ask: (document: string) => void
  readonly write: (document: string) => void
  readonly writeVariables: (text: string) => void
  /** Undefined where answers go on coming. */
  readonly run: (() => Promise<void>) | undefined
}

function Editor({ document, variables, fits, ask, write, writeVariables, run }: EditorProps) {
  const words = useWords(explorerWords)
  const id = useId()
  const keys = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || run === undefined) return
    event.preventDefault()
    void run()
  }
  return (
    <form className="card explorer-form" onSubmit={(event) => event.preventDefault()}>
      <Examples document={document} ask={ask} />
      <div className="field">
        <label htmlFor={`${id}-document`}>{words.document}</label>
        <textarea
          id={`${id}-document`}
          rows={16}
          spellCheck={false}
          value={document}
          onKeyDown={keys}
          onChange={({ target }) => write(target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-variables`}>{words.variables}</label>
        <textarea
          id={`${id}-variables`}
          rows={3}
          spellCheck={false}
          value={variables}
          aria-invalid={!fits || undefined}
          onKeyDown={keys}
          onChange={({ target }) => writeVariables(target.value)}
        />
      </div>
      {run !== undefined && (
        <div className="buttons">
          <button type="button" className="main" onClick={() => void run()}>
            <Icon name="start" />
            {words.run}
          </button>
          <span className="hint">{words.runKeys}</span>
        </div>
      )}
    </form>
  )
}

/** The documents that the contracts hold. */
function Examples({ document, ask }: Pick<EditorProps, 'document' | 'ask'>) {
  const words = useWords(explorerWords)
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{words.documents}</label>
      <select
        id={id}
        value={Object.entries(documents).find(([, text]) => text === document)?.[0] ?? ''}
        onChange={({ target }) => ask(documents[target.value] ?? document)}
      >
        <option value="">{words.ownDocument}</option>
        {Object.keys(documents).map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </div>
  )
}

/** Undefined while the variables aren't JSON. */
function readQuestion(document: string, variables: string): object | undefined {
  try {
    return questionOf(document, variables)
  } catch {
    return undefined
  }
}
