/** grpc.health.v1 (the gRPC health checking protocol): Check and Watch of the whole server, by hand in thirty bytes. */
import type { ServiceDefinition } from '@grpc/grpc-js'
import type { GrpcCall, GrpcHandler } from '../api.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'

/** HealthCheckResponse.ServingStatus. */
const serving = { SERVING: 1, NOT_SERVING: 2 } as const
type Serving = (typeof serving)[keyof typeof serving]

/** HealthCheckRequest {string service = 1}: the name of the service asked for, '' for the server. */
const readRequest = (bytes: Buffer): { service: string } => {
  if (bytes.length === 0) return { service: '' }
  // Tag 0x0a, a length below 128, then UTF-8: no service name is longer.
  if (bytes[0] !== 0x0a || bytes[1] !== bytes.length - 2) throw new Failure('invalid_request', 'no such health request')
  return { service: bytes.toString('utf8', 2) }
}

/** HealthCheckResponse {ServingStatus status = 1}. */
const writeStatus = (status: Serving): Buffer => Buffer.from([0x08, status])

const method = (name: string, responseStream: boolean) => ({
  path: `/grpc.health.v1.Health/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: ({ service }: { service: string }) =>
    service === '' ? Buffer.alloc(0) : Buffer.from([0x0a, Buffer.byteLength(service), ...Buffer.from(service)]),
  requestDeserialize: readRequest,
  responseSerialize: writeStatus,
  responseDeserialize: (bytes: Buffer): Serving =>
    bytes[1] === serving.SERVING ? serving.SERVING : serving.NOT_SERVING,
})

export const healthDefinition = { check: method('Check', false), watch: method('Watch', true) }

/** `isServing` is asked at each check; `changed` wakes those who watch. */
export const createHealth = (core: Core, isServing: () => boolean): GrpcHandler & { changed(): void } => {
  const wakes = new Set<() => void>()
  const status = (): Serving => (isServing() ? serving.SERVING : serving.NOT_SERVING)
  return {
    definition: healthDefinition as unknown as ServiceDefinition,
    access: {},
    changed() {
      for (const wake of wakes) wake()
      core.log.debug({ serving: isServing() }, 'gRPC health changed')
    },
    implementation: {
      check: async () => status(),
      watch: async function* (_request: { service: string }, call: GrpcCall) {
        while (!call.signal.aborted) {
          yield status()
          await new Promise<void>((resolve) => {
            const wake = () => {
              wakes.delete(wake)
              resolve()
            }
            wakes.add(wake)
            call.signal.addEventListener('abort', wake, { once: true })
          })
        }
      },
    },
  }
}
