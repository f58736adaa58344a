import { portFlag, runCommand } from '@svyaz/stage'
import { startMailSink } from './index.ts'
import { acceptLostMails } from './mail-files.ts'

await runCommand({
  service: 'mail-sink',
  about: 'receives mail over SMTP, keeps it and shows it',
  flags: {
    port: portFlag('HTTP port, 0 for a free one', 8025),
    'smtp-port': portFlag('SMTP port, 0 for a free one', 1025),
    host: { kind: 'text', about: 'address to listen on', default: '127.0.0.1' },
    'data-dir': { kind: 'text', about: 'folder of the mails', default: '.svyaz/mail-sink' },
    'allow-host': { kind: 'list', about: 'a host name under which mails may be read; repeat it', default: [] },
    'accept-loss': {
      kind: 'switch',
      about: 'give up mails that are damaged, print what was lost, and end',
      default: false,
    },
  },
  start: async (flags, log) => {
    if (flags['accept-loss']) {
      const lost = await acceptLostMails(flags['data-dir'])
      process.stdout.write(`${lost.length === 0 ? 'nothing is damaged: nothing was changed' : lost.join('\n')}\n`)
      process.exit(0)
    }
    const sink = await startMailSink({
      port: flags.port,
      smtpPort: flags['smtp-port'],
      host: flags.host,
      directory: flags['data-dir'],
      allowedHosts: flags['allow-host'],
      log,
      onBroken: (error) => {
        log('error', 'the disk can no longer be trusted: stopping at once', { error: String(error) })
        process.exit(1)
      },
    })
    return {
      addresses: { port: sink.port, url: sink.url, smtpPort: sink.smtpPort },
      [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
    }
  },
})
