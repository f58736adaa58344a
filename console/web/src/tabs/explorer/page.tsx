/** The API: every operation, question, method and channel of the contracts, each with a form and the real system behind it. */
import { useId } from 'react'
import { type CallersAnswer, callerNames } from '../../../../explore.ts'
import { useRead } from '../../live/use-read.ts'
import { go, say, useQuery } from '../../shell/place.tsx'
import { useWords } from '../../shell/preferences.ts'
import { Radios } from '../../shell/radios.tsx'
import { Channels } from './channels.tsx'
import { Graph } from './graph.tsx'
import { Grpc } from './grpc.tsx'
import { Rest } from './rest.tsx'
import './explorer.css'
import { explorerWords } from './words.ts'

const kinds = { rest: Rest, graphql: Graph, grpc: Grpc, channels: Channels } as const
type Kind = keyof typeof kinds

/** @param rest `kind/name`; `?as=` says as whom */
export default function ExplorerPage({ rest }: { rest: string }) {
  const words = useWords(explorerWords)
  const id = useId()
  const [kind = 'rest', ...names] = rest.split('/').filter(Boolean) as [Kind?, ...string[]]
  const { answer } = useRead<CallersAnswer>('/api/explore/callers', 0)
  const asked = useQuery().get('as')
  const there = answer?.callers ?? ['ada', 'nobody']
  const chosen = callerNames.find((one) => one === asked)
  const as = chosen ?? (there.includes('me') ? 'me' : 'ada')
  const Kind = kinds[kind]
  return (
    <div className="explorer-page">
      <header className="explorer-head">
        <Radios
          name="explorer-kind"
          legend={words.kind}
          names={words.kinds}
          value={kind}
          choose={(next) => go(`/explorer/${next}${asked === null ? '' : `?as=${as}`}`)}
        />
        <div className="caller">
          <label htmlFor={id}>{words.as}</label>
          <select id={id} value={as} onChange={({ target }) => say({ as: target.value })}>
            {(there.includes(as) ? there : [...there, as]).map((name) => (
              <option key={name} value={name}>
                {words.callers[name]}
              </option>
            ))}
          </select>
        </div>
      </header>
      <Kind name={names.join('/')} as={as} />
    </div>
  )
}
