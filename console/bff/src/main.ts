import { portFlag, runCommand } from '@svyaz/stage'
import { startConsole } from './console.ts'

const { SVYAZ_CONSOLE_READER_EMAIL: email, SVYAZ_CONSOLE_READER_PASSWORD: password } = process.env
const names = (process.env.SVYAZ_CONSOLE_HOSTS ?? '').split(',').filter(Boolean)

await runCommand({
  service: 'console',
  about: 'serves the page on which people watch orders, and stands between it and the gateway',
  flags: {
    port: portFlag('HTTP port, 0 for a free one', 8090),
    host: { kind: 'text', about: 'address to listen on', default: '127.0.0.1' },
    'allow-host': {
      kind: 'list',
      about: 'a host name under which the page may be opened; repeat it, or list them in SVYAZ_CONSOLE_HOSTS',
      default: names,
    },
    'data-dir': { kind: 'text', about: "folder of the demo users' passwords", default: '.svyaz/console' },
    'page-cache': { kind: 'text', about: 'folder of built pages', default: '.svyaz/console/pages' },
    page: { kind: 'text', about: 'folder of a page built beforehand; empty to build it when needed', default: '' },
    gateway: { kind: 'text', about: 'address of the gateway', default: 'http://127.0.0.1:8080' },
    telemetry: { kind: 'text', about: 'address of the telemetry; empty for none', default: '' },
    relay: { kind: 'text', about: 'address of MC1, for the relay loop; empty for none', default: '' },
    'control-socket': { kind: 'text', about: "path of the supervisor's control socket; empty for none", default: '' },
  },
  start: async (flags, log) => {
    const { port, url, ...running } = await startConsole({
      port: flags.port,
      host: flags.host,
      allowedHosts: flags['allow-host'],
      directory: flags['data-dir'],
      pageCache: flags['page-cache'],
      gateway: flags.gateway,
      ...(flags.page === '' ? {} : { page: flags.page }),
      ...(flags.telemetry === '' ? {} : { telemetry: flags.telemetry }),
      ...(flags.relay === '' ? {} : { relay: flags.relay }),
      ...(flags['control-socket'] === '' ? {} : { controlSocket: flags['control-socket'] }),
      ...(email && password ? { reader: { email, password } } : {}),
      log,
    })
    return { addresses: { port, url }, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() }
  },
})
