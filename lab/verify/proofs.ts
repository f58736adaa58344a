/** Which proof belongs to which row of the assignment. */
import * as delivered from './proofs/delivered.ts'
import * as documents from './proofs/documents.ts'
import * as domain from './proofs/domain-services.ts'
import * as exported from './proofs/export.ts'
import * as failures from './proofs/failures.ts'
import { graph } from './proofs/graph.ts'
import * as http from './proofs/http-versions.ts'
import * as identity from './proofs/identity.ts'
import { level } from './proofs/levels.ts'
import * as reasons from './proofs/reasons.ts'
import * as relay from './proofs/relay.ts'
import * as rest from './proofs/rest.ts'
import * as services from './proofs/services.ts'
import * as talk from './proofs/talk.ts'
import * as tools from './proofs/tools.ts'
import * as watching from './proofs/watching.ts'

/** Rows as they are listed below; the row about this list reads it too. */
const ids = (): readonly string[] => Object.keys(proofs)

export const proofs = {
  'R1.1': rest.rest,
  'R1.2': talk.grpc,
  'R1.3': talk.webSocket,
  'R1.4': http.versions,
  'R1.5': talk.messages,
  'R1.6': talk.eventDriven,
  'R1.7': reasons.reasoned,
  'R1.8': graph,
  'R2.1': domain.users,
  'R2.2': services.orders,
  'R2.3': domain.inventory,
  'R2.4': domain.payments,
  'R2.5': domain.delivery,
  'R2.6': domain.notifications,
  'R2.7': domain.gateway,
  'R2.8': services.configuration,
  'R2.9': services.discovery,
  'R2.10': relay.repeated,
  'R2.11': domain.webBff,
  'R3.1': identity.introspection,
  'R3.2': identity.exchange,
  'R4.1': failures.serviceDown,
  'R4.2': failures.brokerDown,
  'R4.3': failures.gatewayDown,
  'R4.4': failures.discoveryDown,
  'R4.5': failures.crashes,
  'R4.6': failures.saga,
  'R5.1': watching.metrics,
  'R5.2': watching.traces,
  'R5.3': watching.logs,
  'R5.4': watching.messageSystem,
  'R5.5': exported.otlp,
  'R5.6': tools.proposed,
  'Levels.gateway-latency': level('gateway-latency'),
  'Levels.gateway-throughput': level('gateway-throughput'),
  'Levels.gateway-errors': level('gateway-errors'),
  'Levels.service-latency': level('service-latency'),
  'Levels.cpu': level('cpu'),
  'Levels.memory': level('memory'),
  'Levels.database': level('database'),
  'Levels.message-latency': level('message-latency'),
  'Levels.message-throughput': level('message-throughput'),
  'Levels.unread-messages': level('unread-messages'),
  'Levels.message-loss': level('message-loss'),
  'Levels.network-latency': level('network-latency'),
  'R6.1': relay.made,
  'R6.2': relay.throughTopic,
  'R6.3': relay.stored,
  'R6.4': relay.stored,
  'R6.5': relay.repeated,
  'R6.6': relay.startedAndStopped,
  'R6.7': relay.spans,
  'R6.8': relay.announced,
  'R6.9': relay.kept,
  'R7.3': delivered.loadAndFault,
  'R7.4': documents.written,
  'R7.5': delivered.comments,
  'R7.6': delivered.verification(ids),
} as const
