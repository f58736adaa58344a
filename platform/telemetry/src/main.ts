import { readFile } from 'node:fs/promises'
import { portFlag, runCommand } from '@svyaz/stage'
import { ageMsDefault, bytesDefault, limitsFor, readLevels, type StaticTarget, startTelemetry } from './index.ts'

await runCommand({
  service: 'telemetry',
  about: 'takes spans over OTLP/HTTP and answers traces, rates, edges and logs',
  flags: {
    port: portFlag('HTTP port, 0 for a free one', 4318),
    host: { kind: 'text', about: 'address to listen on', default: '127.0.0.1' },
    'data-dir': { kind: 'text', about: 'folder of the history', default: '.svyaz/telemetry' },
    'allow-host': { kind: 'list', about: 'a host name under which it may be asked; repeat it', default: [] },
    'log-dir': { kind: 'text', about: 'folder of log files, <instance>.log; empty for none', default: '' },
    discovery: { kind: 'text', about: 'address of discovery (Consul’s HTTP API); empty for none', default: '' },
    scrape: { kind: 'list', about: 'what to scrape besides what discovery knows, name=url; repeat it', default: [] },
    'scrape-seconds': {
      kind: 'integer',
      about: 'between two looks at metrics; 0 for none',
      default: 15,
      min: 0,
      max: 3_600,
    },
    levels: { kind: 'text', about: 'file of service levels (JSON); empty for none', default: '' },
    'history-mb': {
      kind: 'integer',
      about: 'megabytes of history kept on the disk',
      default: bytesDefault / 1e6,
      min: 10,
      max: 1_000_000,
    },
    'history-hours': {
      kind: 'integer',
      about: 'hours that history is kept',
      default: ageMsDefault / 3_600_000,
      min: 1,
      max: 10_000,
    },
  },
  start: async (flags, log) => {
    const telemetry = await startTelemetry({
      port: flags.port,
      host: flags.host,
      directory: flags['data-dir'],
      allowedHosts: flags['allow-host'],
      limits: limitsFor(flags['history-mb'] * 1e6, flags['history-hours'] * 3_600_000),
      targets: flags.scrape.map(targetOf),
      scrapeEveryMs: flags['scrape-seconds'] * 1_000,
      ...(flags.levels === '' ? {} : { levels: readLevels(await readFile(flags.levels, 'utf8')) }),
      ...(flags['log-dir'] === '' ? {} : { logDirectory: flags['log-dir'] }),
      ...(flags.discovery === '' ? {} : { discovery: flags.discovery }),
      log,
    })
    return {
      addresses: { port: telemetry.port, url: telemetry.url },
      [Symbol.asyncDispose]: () => telemetry[Symbol.asyncDispose](),
    }
  },
})

/** @throws when it isn't `name=url` */
function targetOf(text: string): StaticTarget {
  const [, name, url] = /^([\w-]+)=(https?:\/\/.+)$/.exec(text) ?? []
  if (name === undefined || url === undefined) throw new Error(`--scrape ${text}: it is name=http://…`)
  return { name, url }
}
