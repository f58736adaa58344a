/** What `up` says when all is ready: where to click, and lines to paste. */
import type { InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import type { Terminal } from './terminal.ts'

/** Pages for a person, by process and port; a process that doesn't run is left out. */
const pages = [
  { process: 'console', port: 'http', path: '', what: 'the console: order, watch, kill a service, watch it recover' },
  { process: 'gateway', port: 'http', path: '/docs', what: 'the API, to try in the browser' },
  {
    process: 'gateway',
    port: 'https',
    path: '/products',
    what: 'the same with HTTP/2; `npx svyaz trust` has it trusted',
  },
  { process: 'balancer', port: 'http', path: '/products', what: 'the same through nginx, whichever gateway is there' },
  { process: 'edge', port: 'https', path: '/products', what: 'the same through Caddy, with HTTP/3' },
  { process: 'mail-sink', port: 'http', path: '/', what: 'mails the system has sent' },
  { process: 'telemetry', port: 'otlp', path: '/traces?limit=20', what: 'the newest traces, as JSON' },
  { process: 'discovery', port: 'http', path: '/v1/catalog/services', what: 'who is where' },
] as const

/** What is printed when everything is ready: addresses, and what to try. */
export function welcome(views: readonly InstanceView[], tookMs: number, terminal: Terminal): string[] {
  const port = (process: string, role: string) => views.find((view) => view.name === `${process}-1`)?.ports[role]
  const addresses = pages.flatMap(({ process, port: role, path, what }) => {
    const number = port(process, role)
    return number === undefined
      ? []
      : [
          `  ${terminal.paint('cyan', `${role === 'https' ? 'https' : 'http'}://127.0.0.1:${number}${path}`)}  ${terminal.paint('dim', what)}`,
        ]
  })
  const gateway = port('gateway', 'http')
  return [
    '',
    `${terminal.paint('bold', `Ready in ${(tookMs / 1000).toFixed(1)} s.`)} ${views.length} processes run.`,
    ...addresses,
    ...(gateway === undefined
      ? []
      : ['', 'Send an order through it (paste into another terminal):', '', ...curlTour(gateway)]),
    '',
    'Ctrl-C stops everything. In another terminal: npx svyaz ps · logs -f · kill payments-1 · --help',
  ]
}

/**
 * The README's curl lines with the port that is in use: register, log in, order, read the story; after the seconds that
 * a parcel takes here, so that lines which are pasted all at once tell the whole story.
 */
export function curlTour(port: number): string[] {
  const at = `curl -s 127.0.0.1:${port}`
  // What is shown ends with a line break, or the prompt would stick to it.
  const show = `curl -sw '\\n' 127.0.0.1:${port}`
  const json = `-H 'content-type: application/json'`
  const bearer = '-H "authorization: Bearer $TOKEN"'
  return [
    `${show}/users ${json} -d '{"email":"ada@example.com","password":"correct horse","name":"Ada"}'`,
    `TOKEN=$(${at}/auth/login ${json} -d '{"email":"ada@example.com","password":"correct horse"}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')`,
    `ORDER=$(${at}/orders ${bearer} ${json} -d '{"items":[{"productId":"P-1001","quantity":2}]}' | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')`,
    `sleep 3; ${show}/orders/$ORDER/story ${bearer}`,
  ]
}
