/** Docker and Docker Compose as a person at a terminal has them, and how to wait for what they report. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { place } from './prepare.ts'

const root = join(import.meta.dirname, '../..')

/** Runs to its end. @returns standard output @throws Error with what it wrote when it fails */
export function run(program: string, args: readonly string[], timeoutMs = 900_000): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status === 0) return stdout
  throw new Error(`${program} ${args.join(' ')}: status ${status} ${error ?? ''}\n${(stdout + stderr).slice(-4_000)}`)
}

export const docker = (...args: string[]): string => run('docker', args)
export const compose = (...args: string[]): string => run(place('bin/docker-compose'), args)

/** The container of a service in compose.yaml, running or not. */
export const containerOf = (service: string): string => compose('--profile', '*', 'ps', '-aq', service).trim()

/** Within the network of the containers, which this side sees too. */
export const addressOf = (service: string): string =>
  docker('inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', containerOf(service)).trim()

export interface ContainerState {
  readonly Status: string
  readonly Pid: number
  readonly ExitCode: number
  readonly StartedAt: string
  readonly Health?: { readonly Status: string }
}

export const stateOf = (container: string): ContainerState =>
  JSON.parse(docker('inspect', '--format', '{{json .State}}', container)) as ContainerState

/**
 * Ends everything in a container as a crash would. Not `docker kill`: after that Docker believes that the container was
 * meant to end, and does not start it again.
 */
export function crash(service: string): void {
  process.kill(stateOf(containerOf(service)).Pid, 'SIGKILL')
}

/** Asks until there is an answer. @throws Error that names what did not come, and why */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  withinMs = 180_000,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (let last: unknown; ; ) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${withinMs} ms`, { cause: last })
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

export const healthy = (service: string): Promise<true> =>
  eventually(`health of ${service}`, () =>
    stateOf(containerOf(service)).Health?.Status === 'healthy' ? true : undefined,
  )

export const servicesOf = (profile: string): string[] =>
  compose('--profile', profile, 'config', '--services').trim().split('\n')

/** The images of ours that a profile runs. */
export const imagesOf = (profile: string): string[] =>
  compose('--profile', profile, 'config', '--images')
    .trim()
    .split('\n')
    .filter((image) => image.startsWith('svyaz/'))

const imageMbMax = 250

/** @throws AssertionError for an image that is too large, holds npm or packages, or runs as root */
export function assertSmallAndClosed(images: readonly string[]): void {
  assert.ok(images.length > 0)
  for (const image of images) {
    const { Size, Config } = JSON.parse(docker('image', 'inspect', '--format', '{{json .}}', image)) as {
      Size: number
      Config: { User: string }
    }
    assert.ok(Size <= imageMbMax * 1_000_000, `${image}: ${Math.round(Size / 1_000_000)} MB`)
    assert.equal(Config.User, '10001:10001', image)
    const look = 'command -v npm npx corepack || true; ls /svyaz'
    const found = docker('run', '--rm', '--entrypoint', 'sh', image, '-c', look)
    assert.doesNotMatch(found, /npm|npx|corepack|package\.json/, image)
  }
}

/** What the containers said last, for whoever has to find out what went wrong. */
export function lastWords(): string {
  const { stdout } = spawnSync(place('bin/docker-compose'), ['--profile', '*', 'logs', '--no-color', '--tail', '6'], {
    cwd: root,
    encoding: 'utf8',
  })
  return stdout
}
