import { portFlag, runCommand } from '@svyaz/stage'
import { defaultLimits, startTelemetry } from './index.ts'

await runCommand({
  service: 'telemetry',
  about: 'receives spans over OTLP/HTTP (JSON) and answers traces, joined along their links',
  flags: {
    port: portFlag('HTTP port, 0 for a free one', 4318),
    host: { kind: 'text', about: 'address to listen on', default: '127.0.0.1' },
    'data-dir': { kind: 'text', about: 'folder of the span files', default: '.svyaz/telemetry' },
    'allow-host': { kind: 'list', about: 'a host name under which traces may be read; repeat it', default: [] },
    'spans-max': { kind: 'integer', about: 'spans kept', default: defaultLimits.spansMax, min: 1, max: 10_000_000 },
    'bytes-max': { kind: 'integer', about: 'bytes kept', default: defaultLimits.bytesMax, min: 1, max: 8_000_000_000 },
  },
  start: async (flags, log) => {
    const telemetry = await startTelemetry({
      port: flags.port,
      host: flags.host,
      directory: flags['data-dir'],
      allowedHosts: flags['allow-host'],
      limits: { spansMax: flags['spans-max'], bytesMax: flags['bytes-max'] },
      log,
    })
    return {
      addresses: { port: telemetry.port, url: telemetry.url },
      [Symbol.asyncDispose]: () => telemetry[Symbol.asyncDispose](),
    }
  },
})
