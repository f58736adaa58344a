/** Every listener of the system as a table: what it speaks, where its number comes from, what its port is by default. */
import { controlListener, type Listener, listeners } from '../../system/listeners.ts'
import { topology } from '../../system/topology.ts'
import { code, table } from './regions.ts'

const spoken: Readonly<Record<Listener['protocol'], string>> = {
  http: 'HTTP',
  https: 'HTTPS',
  grpc: 'gRPC',
  kafka: 'Kafka',
  smtp: 'SMTP',
  postgres: 'PostgreSQL',
  control: 'HTTP on a Unix socket, mode 0600',
}

function portOf({ process, port }: Listener): string {
  const plan = topology.processes.find(({ name }) => name === process)?.ports[port]
  return plan === undefined ? 'none' : String(plan.fixed ?? 'free')
}

/** Every listener as a table. */
export function listenersTable(): string {
  return table(
    ['process', '`ports` in `svyaz ps --json`', 'default', 'speaks', 'for', 'WebSocket'],
    [...listeners, controlListener].map((listener) => [
      code(listener.process),
      listener.port === controlListener.port ? listener.port : code(listener.port),
      portOf(listener),
      listener.foreign ? `${spoken[listener.protocol]} (not ours)` : spoken[listener.protocol],
      listener.purpose,
      listener.webSocket === undefined ? '' : code(listener.webSocket),
    ]),
  )
}
