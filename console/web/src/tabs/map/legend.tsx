/** What the colours mean. */
import { useWords } from '../../shell/preferences.ts'
import { mapWords } from './words.ts'

const shown = ['http', 'grpc', 'websocket', 'message', 'task', 'sql'] as const

/** Protocols with their colours, and how dots are to be read. */
export function Legend() {
  const words = useWords(mapWords)
  return (
    <div className="map-legend">
      {shown.map((protocol) => (
        <span key={protocol}>
          <i className={protocol} />
          {words.protocols[protocol]}
        </span>
      ))}
      <span>
        <i className="failed" />
        {words.failedDot}
      </span>
      <span className="how">{words.legend}</span>
    </div>
  )
}
