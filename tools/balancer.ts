/**
 * Writes `deploy/angie/angie.conf`: what the profile `full` of compose.yaml gives to Angie. `--check` writes nothing and
 * fails on drift.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gatewaysInContainers } from '../deploy/compose/processes.ts'
import { nginxConf } from '../outside/balancer/src/nginx-conf.ts'

const path = join(import.meta.dirname, '..', 'deploy/angie/angie.conf')

/** The root file system of the container is read-only: /tmp is what every user may write to. */
export const angieConf = (): string =>
  nginxConf({
    listen: '8080',
    gateways: gatewaysInContainers(),
    folder: '/tmp',
    // Docker's name server.
    resolver: '127.0.0.11',
    workers: 'auto',
    accessLog: '/dev/stdout',
  })

if (import.meta.main && readFileSync(path, 'utf8') !== angieConf()) {
  if (process.argv.includes('--check')) {
    process.stderr.write('deploy/angie/angie.conf is not what is made of it: run node tools/balancer.ts\n')
    process.exitCode = 1
  } else writeFileSync(path, angieConf())
}
