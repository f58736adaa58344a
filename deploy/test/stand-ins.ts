/** Builds, under the names of the official images, what plays them here. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { contextOf, place } from './prepare.ts'

/** Folder below images/ → the official image that Dockerfile or compose.yaml names: read from there, never repeated. */
const standIns: Readonly<Record<string, RegExp>> = {
  node: /NODE_IMAGE=(\S+)/,
  kafka: /image: (apache\/kafka:\S+)/,
  postgres: /image: (postgres:\S+)/,
  consul: /image: (hashicorp\/consul:\S+)/,
  mongo: /image: (mongo:\S+)/,
  jaeger: /image: (jaegertracing\/all-in-one:\S+)/,
  angie: /image: (docker\.angie\.software\/angie:\S+)/,
}

export async function buildStandIns(env: NodeJS.ProcessEnv): Promise<void> {
  const root = join(import.meta.dirname, '../..')
  const text = ['Dockerfile', 'compose.yaml'].map((file) => readFileSync(join(root, file), 'utf8')).join('\n')
  const base = /RUNTIME_IMAGE=(\S+)/.exec(text)?.[1] ?? ''
  if (!present(base, env)) docker(['import', place('roots/base.tar'), base], env)
  if (!present('svyaz-test/engines:latest', env))
    docker(['import', place('roots/engines.tar'), 'svyaz-test/engines'], env)
  for (const [name, pattern] of Object.entries(standIns)) {
    const image = pattern.exec(text)?.[1]
    if (image !== undefined) docker(['build', '-q', '-t', image, contextOf(name)], env)
  }
}

const present = (image: string, env: NodeJS.ProcessEnv): boolean =>
  spawnSync('docker', ['image', 'inspect', image], { env, stdio: 'ignore' }).status === 0

function docker(args: string[], env: NodeJS.ProcessEnv): void {
  process.stdout.write(`docker ${args.join(' ')}\n`)
  const { status } = spawnSync('docker', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`docker ${args.join(' ')} failed (status ${status})`)
}
