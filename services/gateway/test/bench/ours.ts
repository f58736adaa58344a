/**
 * The gateway of this system, with its judgement, limits, tokens, traces, metrics and log lines; discovery and the identity
 * provider are played by what they would have said. `ours.ts bare|featured BEHIND`; sends its port.
 */
import type { DiscoveryClient } from '@svyaz/kit'
import { createSigner } from '../../../../platform/kit/src/identity/identity.ts'
import { systemClock, systemIds } from '../../../../platform/kit/src/process/clock.ts'
import { createLogger } from '../../../../platform/kit/src/process/logs.ts'
import { createMetrics } from '../../../../platform/kit/src/process/metrics.ts'
import { exportersOf } from '../../../../platform/kit/src/tracing/span-exporter.ts'
import { createTracer } from '../../../../platform/kit/src/tracing/tracing.ts'
import { testCore } from '../../../../platform/kit/test/core-fixture.ts'
import { knownInstances } from '../../../../platform/kit/test/instance-fixture.ts'
import { createKeys } from '../../../../platform/kit/test/key-fixture.ts'
import { type Settings, settings } from '../../src/config.ts'
import { Gateway } from '../../src/server.ts'

const [mode, behind = '0'] = process.argv.slice(2)
const featured = mode === 'featured'
const keys = await createKeys('gateway', 'orders')
const { environment: base } = testCore({
  service: 'gateway',
  instance: 'gateway-1',
  keyFile: keys.keyFile('gateway'),
  jwksFile: keys.jwksFile,
  logLevel: featured ? 'info' : 'error',
  otlpUrl: featured ? `http://127.0.0.1:${behind}` : undefined,
})
const exporter = exportersOf(base, () => log)
const tracer = createTracer(exporter, { micros: systemClock.micros, sampleRatio: featured ? 1 : 0 })
const log = createLogger(base, tracer.currentContext)
const metrics = createMetrics({ service: 'gateway', instance: 'gateway-1' })
const core = { ...testCore(base), clock: systemClock, ids: systemIds(systemClock), log, metrics, tracer }
const orders = knownInstances([{ id: 'orders-1', host: '127.0.0.1', ports: { http: Number(behind) } }])
const discovery: DiscoveryClient = {
  instances: () => orders.instances(),
  watch: async () => undefined,
  pick: (service) => orders.pick(service),
}
const current: Settings = settings.parse({
  routes: [{ prefix: '/orders', service: 'orders', auth: featured ? 'required' : 'none' }],
  userRequestsPerMinute: 100_000_000,
  addressRequestsPerSecond: 1_000_000,
})
const gateway = new Gateway(
  {
    ...core,
    allowedHosts: [],
    instance: 'gateway-1',
    discovery,
    signer: await createSigner(core),
    settings: {
      current: () => current,
      origin: () => ({ from: 'defaults', version: '', at: core.clock.iso(), sources: {}, refused: undefined }),
      onChange: () => undefined,
    },
    grpc: () => {
      throw new Error('nobody is called over gRPC here')
    },
  },
  {
    introspect: async () => ({
      userId: '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e',
      roles: ['user'],
      tokenEndsAt: Number.POSITIVE_INFINITY,
    }),
  },
)
const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 })
process.send?.({ port })
