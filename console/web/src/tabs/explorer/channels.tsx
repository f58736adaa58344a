/** Channels of the AsyncAPI document: what each carries, who writes and reads it, and what passes now. */
import type { WatchLine } from '../../../../explore.ts'
import type { Channel } from '../../../declared-api.ts'
import { live } from '../../live/connection.ts'
import { Link } from '../../shell/place.tsx'
import { useWords } from '../../shell/preferences.ts'
import { api, type KindProps } from './contracts.ts'
import { List } from './list.tsx'
import { SchemaTable } from './schema-table.tsx'
import { Watched } from './watched.tsx'
import { explorerWords } from './words.ts'

/** @param name of the channel */
export function Channels({ name, as }: KindProps) {
  const words = useWords(explorerWords)
  const channel = api.channels.find((one) => one.name === name) ?? api.channels[0]
  return (
    <div className="explorer-columns">
      <List
        label={words.channels}
        path="/explorer/channels"
        chosen={channel?.name ?? ''}
        choices={api.channels.map(({ name: one, address, protocol }) => ({
          name: one,
          text: address,
          group: words.over[protocol],
        }))}
      />
      {channel !== undefined && <OneChannel key={`${channel.name} ${as}`} channel={channel} as={as} />}
    </div>
  )
}

function OneChannel({ channel, as }: { channel: Channel; as: KindProps['as'] }) {
  const words = useWords(explorerWords)
  const { address, protocol, summary, description, senders, receivers, messages } = channel
  const begin = (signal: AbortSignal): AsyncIterable<WatchLine> =>
    protocol === 'kafka'
      ? recordsOf(address, signal)
      : live.watchApi({ kind: 'socket', as, path: `${address}?from=now` }, signal)
  return (
    <div className="explorer-work">
      <section className="card explorer-form" aria-label={address}>
        <h2>{address}</h2>
        <p>{summary}</p>
        <p className="hint">{description}</p>
        <dl className="sides">
          <div>
            <dt>{words.writes}</dt>
            <dd>{senders.join(', ')}</dd>
          </div>
          <div>
            <dt>{words.reads}</dt>
            <dd>{receivers.join(', ')}</dd>
          </div>
        </dl>
        {protocol === 'kafka' && (
          <Link className="button" href={`/topics/${address}`}>
            {words.records}
          </Link>
        )}
      </section>
      <Watched begin={begin} />
      <h3>{words.messages}</h3>
      {messages.map(({ name, payload }) => (
        <SchemaTable key={name} title={name} schema={payload} />
      ))}
    </div>
  )
}

/** Records as the Topics page has them, as lines. */
async function* recordsOf(topic: string, signal: AbortSignal): AsyncGenerator<WatchLine> {
  for await (const { atMs, headers, key, value } of live.records(topic, '', signal))
    yield { atMs, kind: 'message', data: `${headers.ce_type ?? ''} ${key ?? ''} ${value}` }
}
