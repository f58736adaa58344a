/** A function fits a screen. Those that don't are counted below; each list only gets shorter. */
import { type Finding, isGenerated, type Project } from './project.ts'
import { functionLinesMax } from './source.ts'

/** How many functions of a file are still longer than a screen. A file that isn't here has none. */
export const stillLong: Readonly<Record<string, number>> = {
  'console/bff/src/console.ts': 1,
  'console/bff/src/pages.ts': 1,
  'console/bff/src/person.ts': 1,
  'console/bff/src/relay.ts': 1,
  'console/bff/src/supervisor.ts': 1,
  'console/bff/src/tracker.ts': 1,
  'console/bff/test/gateway-fixture.ts': 1,
  'console/web/src/tabs/logs/page.tsx': 1,
  'console/web/src/tabs/orders/people.tsx': 1,
  'console/web/src/tabs/orders/sequence.tsx': 1,
  'deploy/kubernetes/files.ts': 1,
  'examples/02-delivery-guarantees/test/losing-answers.ts': 1,
  'outside/mail-sink/src/index.ts': 1,
  'outside/mail-sink/src/mail-files.ts': 1,
  'outside/payment-processor/src/index.ts': 1,
  'platform/broker/src/log/damage.test.ts': 1,
  'platform/broker/src/log/log.test.ts': 1,
  'platform/discovery/src/journal.ts': 1,
  'platform/discovery/test/conformance.test.ts': 1,
  'platform/kit/src/calls/discovery-client.ts': 1,
  'platform/kit/src/calls/own-registration.ts': 1,
  'platform/kit/src/calls/resilience.ts': 1,
  'platform/kit/src/calls/trusted-instances.ts': 1,
  'platform/kit/src/database/pool.ts': 1,
  'platform/kit/src/grpc/client.ts': 1,
  'platform/kit/src/http/client.ts': 1,
  'platform/kit/src/http/exchange.ts': 1,
  'platform/kit/src/http/server.ts': 1,
  'platform/kit/src/http/sockets.ts': 1,
  'platform/kit/src/identity/identity.ts': 1,
  'platform/kit/src/identity/key-set.ts': 1,
  'platform/kit/src/messaging/dlq.ts': 1,
  'platform/kit/src/messaging/kafka/group.ts': 1,
  'platform/kit/src/messaging/kafka/inspect.ts': 1,
  'platform/kit/src/messaging/kafka/reader.ts': 1,
  'platform/kit/src/messaging/messaging.ts': 1,
  'platform/kit/src/messaging/publisher.ts': 1,
  'platform/kit/src/process/settings.ts': 1,
  'platform/kit/src/run.ts': 1,
  'platform/kit/test/core-fixture.ts': 1,
  'platform/kit/test/grpc.test.ts': 1,
  'platform/kit/test/messaging.test.ts': 1,
  'platform/stage/src/synced-file.ts': 1,
  'services/config/src/storage.ts': 1,
  'services/gateway/src/forward.ts': 2,
  'services/gateway/src/introspection.ts': 1,
  'services/gateway/src/server.ts': 2,
  'services/gateway/src/sockets.ts': 1,
  'services/gateway/src/upstream.ts': 3,
  'services/gateway/test/false-callee.test.ts': 1,
  'services/gateway/test/gateway-fixture.ts': 1,
  'services/notifications/src/events.ts': 1,
  'services/notifications/src/feed.ts': 1,
  'services/notifications/src/mailer.ts': 1,
  'services/notifications/src/tracking.ts': 1,
  'services/orders/src/events.ts': 1,
  'services/orders/src/saga.ts': 1,
  'services/orders/src/storage/mongodb/lease.ts': 1,
  'services/orders/src/storage/mongodb/store.ts': 1,
  'services/orders/src/storage/postgres.ts': 1,
  'services/payments/src/worker.ts': 1,
  'services/relay/mc1/link.ts': 1,
  'services/relay/mc1/returns.ts': 1,
  'services/relay/mc1/sessions.ts': 1,
  'services/relay/mc1/storage.ts': 1,
  'services/relay/mc2/socket-server.ts': 1,
  'services/relay/mc3/events.ts': 1,
}

/** Files with more long functions than the list allows, and rows of the list that allow more than there are. */
export function checkFunctions(project: Project, allowed = stillLong): Finding[] {
  const found = new Map(project.sources.map(({ path, longFunctions }) => [path, longFunctions]))
  const more = [...found].flatMap(([path, functions]): Finding[] => {
    if (isGenerated(path) || functions.length <= (allowed[path] ?? 0)) return []
    return functions.map(({ line, lineCount }) => ({
      path,
      line,
      message: `a function of ${lineCount} lines; ${functionLinesMax} fit a screen: state with several methods is a class, steps are functions`,
    }))
  })
  const fewer = Object.entries(allowed)
    .filter(([path, count]) => (found.get(path)?.length ?? 0) < count)
    .map(([path, count]) => ({
      path: 'tools/tidy/functions.ts',
      message: `${path} is allowed ${count} long functions and has ${found.get(path)?.length ?? 0}: lower the count, or remove the row`,
    }))
  return [...more, ...fewer]
}
