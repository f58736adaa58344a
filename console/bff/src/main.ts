import { dirname } from 'node:path'
import { portFlag, runCommand } from '@svyaz/stage'
import { addressesIn, brokersIn } from './broker.ts'
import { startConsole } from './console.ts'
import { isSignInRequired } from './operators.ts'

const { SVYAZ_CONSOLE_READER_EMAIL: email, SVYAZ_CONSOLE_READER_PASSWORD: password } = process.env
const { SVYAZ_CONSOLE_DISCOVERY_TOKEN: discoveryToken } = process.env
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
    'public-url': { kind: 'text', about: 'as browsers reach this console; empty: at its port', default: '' },
    issuer: {
      kind: 'text',
      about: "another identity provider than the gateway's own; or by SVYAZ_CONSOLE_ISSUER",
      default: process.env.SVYAZ_CONSOLE_ISSUER ?? '',
    },
    'sign-in': {
      kind: 'text',
      about:
        'who may kill, pause and scale: "required" for administrators who signed in, "offered" for whoever reaches the page; empty: offered on loopback, required elsewhere',
      default: '',
    },
    telemetry: { kind: 'text', about: 'address of the telemetry; empty for none', default: '' },
    relay: { kind: 'text', about: 'address of MC1, for the relay loop; empty for none', default: '' },
    broker: {
      kind: 'text',
      about: 'addresses of brokers, kafka://host:port or host:port, with commas between; or by SVYAZ_CONSOLE_BROKERS',
      default: brokersIn(process.env),
    },
    discovery: {
      kind: 'text',
      about: 'address of discovery, ours or Consul; empty for none; or by SVYAZ_CONSOLE_DISCOVERY',
      default: process.env.SVYAZ_CONSOLE_DISCOVERY ?? '',
    },
    'service-keys': {
      kind: 'text',
      about: "JWKS file of all services' public keys, to verify registrations with; empty for none",
      default: '',
    },
    mails: { kind: 'text', about: 'address of the mail sink; empty for none', default: '' },
    authority: {
      kind: 'text',
      about: "the certificate that the gateway's port with TLS is trusted by; empty for none",
      default: '',
    },
    'fault-lab': {
      kind: 'text',
      about: 'program that breaks this system for an experiment, as Node runs it; empty for none',
      default: '',
    },
    assignment: {
      kind: 'text',
      about: 'program that lists and proves the rows of the assignment, as Node runs it; empty for none',
      default: '',
    },
    'control-socket': { kind: 'text', about: "path of the supervisor's control socket; empty for none", default: '' },
  },
  start: async (flags, log) => {
    const running = await startConsole({
      port: flags.port,
      host: flags.host,
      allowedHosts: flags['allow-host'],
      directory: flags['data-dir'],
      pageCache: flags['page-cache'],
      gateway: flags.gateway,
      ...(flags['public-url'] === '' ? {} : { publicUrl: flags['public-url'] }),
      ...(flags.issuer === '' ? {} : { issuer: flags.issuer }),
      signInRequired: isSignInRequired(flags['sign-in'], flags.host),
      ...(flags.page === '' ? {} : { page: flags.page }),
      ...(flags.telemetry === '' ? {} : { telemetry: flags.telemetry }),
      ...(flags.relay === '' ? {} : { relay: flags.relay }),
      ...(flags.discovery === ''
        ? {}
        : {
            discovery: {
              url: flags.discovery,
              ...(flags['service-keys'] === '' ? {} : { jwksFile: flags['service-keys'] }),
              ...(discoveryToken ? { token: discoveryToken } : {}),
            },
          }),
      ...(flags.mails === '' ? {} : { mails: flags.mails }),
      brokers: addressesIn(flags.broker),
      ...(flags.authority === '' ? {} : { authority: flags.authority }),
      ...(flags['control-socket'] === '' ? {} : { controlSocket: flags['control-socket'] }),
      ...(flags['fault-lab'] === ''
        ? {}
        : { faultLab: { program: flags['fault-lab'], home: dirname(flags['data-dir']) } }),
      ...(flags.assignment === ''
        ? {}
        : {
            assignment: {
              program: flags.assignment,
              home: dirname(flags['data-dir']),
              environment: process.env,
            },
          }),
      ...(email && password ? { reader: { email, password } } : {}),
      log,
    })
    const { port, url } = running
    return { addresses: { port, url }, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() }
  },
})
