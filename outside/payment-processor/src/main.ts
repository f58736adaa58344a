import { join } from 'node:path'
import { acceptLoss, portFlag, runCommand } from '@svyaz/stage'
import { ledgerName, startPaymentProcessor } from './index.ts'

await runCommand({
  service: 'payment-processor',
  about: 'plays the payment provider of the outside world, with a synced ledger of its own',
  flags: {
    port: portFlag('HTTP port, 0 for a free one', 8200),
    host: { kind: 'text', about: 'address to listen on', default: '127.0.0.1' },
    'data-dir': { kind: 'text', about: 'folder of the ledger', default: '.svyaz/payment-processor' },
    'slow-ms': { kind: 'integer', about: 'how long pm_slow takes', default: 3_000, min: 0, max: 600_000 },
    'hang-ms': { kind: 'integer', about: 'how long a lost reply hangs', default: 10_000, min: 0, max: 600_000 },
    'accept-loss': {
      kind: 'switch',
      about: 'give up ledger entries that are damaged, print what was lost, and end',
      default: false,
    },
  },
  start: async (flags, log) => {
    if (flags['accept-loss']) {
      const path = join(flags['data-dir'], ledgerName)
      const lost = await acceptLoss(path)
      process.stdout.write(
        lost === undefined
          ? `${path}: nothing is damaged: nothing was changed\n`
          : `${path}: ${lost.keptLines} entries kept; from byte ${lost.keptBytes} on ${lost.lostBytes} bytes lost (set aside in ${lost.aside})\n`,
      )
      process.exit(0)
    }
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
