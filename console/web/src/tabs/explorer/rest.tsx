/** REST: each operation of the published OpenAPI document, with a form from its schema. */
import { type FormEvent, useState } from 'react'
import type { CallerName, HttpAnswered } from '../../../../explore.ts'
import type { Operation } from '../../../declared-api.ts'
import { live } from '../../live/connection.ts'
import { useLive } from '../../live/use-live.ts'
import { Icon } from '../../shell/icons.tsx'
import { useWords } from '../../shell/preferences.ts'
import { Twice } from '../../shell/twice.tsx'
import { Answer, Command } from './answer.tsx'
import { asCurl } from './commands.ts'
import { api, type KindProps } from './contracts.ts'
import { bodyFields, parameterFields, type Request, requestOf } from './fields.ts'
import { Fields, useKnown } from './form.tsx'
import { List } from './list.tsx'
import { readable } from './readable.ts'
import { SchemaTable } from './schema-table.tsx'
import { useForm } from './use-form.ts'
import { Watched } from './watched.tsx'
import { explorerWords } from './words.ts'

const first = 'listProducts'

/** Where the gateway is, as curl from this machine reaches it. */
export function useGateway(port: 'http' | 'https'): string {
  const processes = useLive((state) => state.processes)
  const ports = processes.find(({ service, ports: own }) => service === 'gateway' && own[port] !== undefined)?.ports
  return port === 'http' ? `http://127.0.0.1:${ports?.http ?? 8080}` : `localhost:${ports?.https ?? 8443}`
}

/** @param name the id of the operation that is shown */
export function Rest({ name, as }: KindProps) {
  const words = useWords(explorerWords)
  const operation = api.operations.find(({ id }) => id === name) ?? api.operations.find(({ id }) => id === first)
  return (
    <div className="explorer-columns">
      <List
        label={words.operations}
        path="/explorer/rest"
        chosen={operation?.id ?? ''}
        choices={api.operations.map(({ id, path, method, group }) => ({ name: id, text: path, mark: method, group }))}
      />
      {operation !== undefined && <OneOperation key={`${operation.id} ${as}`} operation={operation} as={as} />}
    </div>
  )
}

function OneOperation({ operation, as }: { operation: Operation; as: KindProps['as'] }) {
  const words = useWords(explorerWords)
  const gateway = useGateway('http')
  const known = useKnown(as)
  const { method, path, summary, callers, parameters, body, streams } = operation
  const inner = body === undefined ? [] : bodyFields(body.schema)
  const outer = parameterFields(parameters)
  const form = useForm([...outer, ...inner], path, known)
  const wrong = new Set(form.unfit.map(({ key }) => key))
  const request = wrong.size === 0 ? requestOf(operation, form.values) : undefined
  const kind = streams ? 'stream' : method !== 'GET' && path !== '/graphql' ? 'change' : 'read'
  const { outcome, send } = useSending(as, request)
  const submitted = (event: FormEvent) => {
    event.preventDefault()
    if (kind === 'read') void send()
  }
  const common = { value: form.value, write: form.write, unfit: wrong }
  return (
    <div className="explorer-work">
      <form className="card explorer-form" onSubmit={submitted}>
        <h2>
          <b data-method={method}>{method}</b> {path}
        </h2>
        <p className="hint">
          {summary}. {callers}
        </p>
        <Fields legend={words.parameters} fields={outer} {...common} />
        <Fields legend={words.body} fields={inner} {...common} />
        <p className="hint" role="status">
          {wrong.size > 0
            ? words.doesNotFit(form.unfit.map((field) => field.name).join(', '))
            : kind === 'change' && words.changesNote}
        </p>
        <SendButton
          what={`${method} ${path}`}
          kind={kind}
          disabled={request === undefined || outcome === 'sending'}
          send={send}
        />
      </form>
      {streams && request !== undefined && (
        <Watched key={request.path} begin={(signal) => live.watchApi({ kind: 'events', as, ...request }, signal)} />
      )}
      <Outcome outcome={outcome} />
      {request !== undefined && (
        <Command title={words.curl} command={asCurl(gateway, request, as === 'nobody', streams)} />
      )}
      {body !== undefined && <SchemaTable title={words.requestFields} schema={body.schema} />}
    </div>
  )
}

interface SendButtonProps {
  readonly what: string
  readonly kind: 'read' | 'change' | 'stream'
  readonly disabled: boolean
  readonly send: () => Promise<void>
}

/** What changes something takes two touches; what streams is watched instead. */
function SendButton({ what, kind, disabled, send }: SendButtonProps) {
  const words = useWords(explorerWords)
  if (kind === 'stream') return null
  if (kind === 'change')
    return <Twice icon="out" text={words.sendChange(what)} really={words.reallySend} disabled={disabled} act={send} />
  return (
    <button type="submit" className="main" disabled={disabled}>
      <Icon name="out" />
      {words.send}
    </button>
  )
}

type Sent = HttpAnswered | Error | 'sending' | undefined

/** Sends a request, and holds what came of it. @param request undefined while there is nothing to send */
export function useSending(as: CallerName, request: Request | undefined) {
  const [outcome, setOutcome] = useState<Sent>()
  const send = async () => {
    if (request === undefined) return
    setOutcome('sending')
    try {
      setOutcome(await live.explore<HttpAnswered>('http', { as, ...request }))
    } catch (error) {
      setOutcome(error as Error)
    }
  }
  return { outcome, send }
}

/** What came of a request, or why it didn’t leave. */
export function Outcome({ outcome }: { outcome: Sent }) {
  const words = useWords(explorerWords)
  if (outcome === undefined) return null
  if (outcome === 'sending')
    return (
      <p className="card hint gone" role="status">
        {words.sending}
      </p>
    )
  if (outcome instanceof Error)
    return (
      <p className="card bad gone" role="alert">
        {words.couldNot(outcome)}
      </p>
    )
  const { status, ms, bytes, traceId, headers, text } = outcome
  return (
    <Answer
      status={String(status)}
      good={status < 400}
      ms={ms}
      size={bytes}
      traceId={traceId}
      headers={headers}
      text={readable(text)}
    />
  )
}
