import { portFlag, runCommand } from '@svyaz/stage'
import { startPaymentProcessor } from './index.ts'

await runCommand({
  service: 'payment-processor',
  about: 'plays the payment provider of the outside world, with a synced ledger of its own',
  flags: {
    port: portFlag('HTTP port, 0 for a free one', 8200),
    host: { kind: 'text', about: 'address to listen on', default: '127.0.0.1' },
    'data-dir': { kind: 'text', about: 'folder of the ledger', default: '.svyaz/payment-processor' },
    'slow-ms': { kind: 'integer', about: 'how long pm_slow takes', default: 3_000, min: 0, max: 600_000 },
    'hang-ms': { kind: 'integer', about: 'how long a lost reply hangs', default: 10_000, min: 0, max: 600_000 },
  },
  start: async (flags, log) => {
    const processor = await startPaymentProcessor({
      port: flags.port,
      host: flags.host,
      directory: flags['data-dir'],
      slowMs: flags['slow-ms'],
      hangMs: flags['hang-ms'],
      log,
      onBroken: (error) => {
        log('error', 'the ledger can no longer be trusted: stopping at once', { error: String(error) })
        process.exit(1)
      },
    })
    return {
      addresses: { port: processor.port, url: processor.url },
      [Symbol.asyncDispose]: () => processor[Symbol.asyncDispose](),
    }
  },
})
