/** gRPC: the methods of the contracts; those that are open to users have a form and go through the gateway as gRPC-Web. */
import { type FormEvent, useState } from 'react'
import type { GrpcAnswered } from '../../../../explore.ts'
import type { GrpcMethod } from '../../../declared-api.ts'
import { live } from '../../live/connection.ts'
import { Icon } from '../../shell/icons.tsx'
import { useWords } from '../../shell/preferences.ts'
import { Answer, Command } from './answer.tsx'
import { asGrpcurl } from './commands.ts'
import { api, type KindProps } from './contracts.ts'
import { bodyFields, messageOf } from './fields.ts'
import { Fields, useKnown } from './form.tsx'
import { List } from './list.tsx'
import { useGateway } from './rest.tsx'
import { SchemaTable } from './schema-table.tsx'
import { useForm } from './use-form.ts'
import { Watched } from './watched.tsx'
import { explorerWords } from './words.ts'

/** Names of gRPC's statuses by their numbers (google.rpc.Code). */
const statuses =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  )

/** @param name `package.Service/Method` */
export function Grpc({ name, as }: KindProps) {
  const words = useWords(explorerWords)
  const method = api.grpc.find((one) => one.name === name) ?? api.grpc[0]
  const serviceOf = (one: GrpcMethod) => one.name.slice(0, one.name.indexOf('/'))
  return (
    <div className="explorer-columns">
      <List
        label={words.methods}
        path="/explorer/grpc"
        chosen={method?.name ?? ''}
        choices={api.grpc.map((one) => ({
          name: one.name,
          text: `${one.name.slice(one.name.indexOf('/') + 1)}${one.open ? ` (${words.open})` : ''}`,
          group: serviceOf(one),
        }))}
      />
      {method !== undefined && <OneMethod key={`${method.name} ${as}`} method={method} as={as} />}
    </div>
  )
}

function OneMethod({ method, as }: { method: GrpcMethod; as: KindProps['as'] }) {
  const words = useWords(explorerWords)
  const tls = useGateway('https')
  const known = useKnown(as)
  // Protobuf knows no field that is required; a form that begins empty helps nobody.
  const fields = bodyFields(method.request).map((field) => ({ ...field, required: true }))
  const form = useForm(fields, '/orders', known)
  const [outcome, setOutcome] = useState<GrpcAnswered | Error | 'sending'>()
  const wrong = new Set(form.unfit.map(({ key }) => key))
  const message = wrong.size === 0 ? messageOf(fields, form.values) : undefined
  const streams = method.kind === 'server_streaming'
  const send = async (event: FormEvent) => {
    event.preventDefault()
    if (message === undefined || streams) return
    setOutcome('sending')
    try {
      setOutcome(await live.explore<GrpcAnswered>('grpc', { as, method: method.name, message }))
    } catch (error) {
      setOutcome(error as Error)
    }
  }
  return (
    <div className="explorer-work">
      <form className="card explorer-form" onSubmit={(event) => void send(event)}>
        <h2>{method.name}</h2>
        <p className="hint">
          {words.streams[method.kind]} · {method.open ? words.open : words.between}
        </p>
        {method.open && (
          <Fields legend={words.message} fields={fields} value={form.value} write={form.write} unfit={wrong} />
        )}
        {wrong.size > 0 && <p className="hint">{words.doesNotFit(form.unfit.map(({ name }) => name).join(', '))}</p>}
        {method.open && !streams && (
          <button type="submit" className="main" disabled={message === undefined || outcome === 'sending'}>
            <Icon name="out" />
            {words.send}
          </button>
        )}
      </form>
      {method.open && streams && message !== undefined && (
        <Watched
          key={JSON.stringify(message)}
          begin={(signal) => live.watchApi({ kind: 'grpc', as, method: method.name, message }, signal)}
        />
      )}
      <GrpcOutcome outcome={outcome} />
      {method.open && message !== undefined && (
        <Command title={words.grpcurl} command={asGrpcurl(tls, method, message)} />
      )}
      <SchemaTable title={words.requestFields} schema={method.request} />
      <SchemaTable title={words.answerFields} schema={method.answer} />
    </div>
  )
}

function GrpcOutcome({ outcome }: { outcome: GrpcAnswered | Error | 'sending' | undefined }) {
  const words = useWords(explorerWords)
  if (outcome === undefined || outcome === 'sending') return null
  if (outcome instanceof Error)
    return (
      <p className="card bad gone" role="alert">
        {words.couldNot(outcome)}
      </p>
    )
  const { code, message, answer, ms, bytes, traceId, headers } = outcome
  return (
    <Answer
      status={`${code} ${statuses[code] ?? ''}${message === '' ? '' : `: ${message}`}`}
      good={code === 0}
      ms={ms}
      size={bytes}
      traceId={traceId}
      headers={headers}
      text={answer === undefined ? '' : JSON.stringify(answer, null, 2)}
    />
  )
}
