/**
 * Asks the registries for the digests of the images that compose.yaml names, by Docker's own client, and writes
 * deploy/compose/images.lock.json and compose.yaml. An image whose registry can't be asked keeps what it has.
 * `--check` asks nobody and names what has no digest.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Digests, imagesIn, pinned } from '../deploy/compose/images.ts'

const root = join(import.meta.dirname, '..')
const composePath = join(root, 'compose.yaml')
const lockPath = join(root, 'deploy/compose/images.lock.json')
const timeoutMs = 60_000

/** Of the whole index, so that it holds for every processor. @throws Error of the program */
function ask(image: string): string {
  const template = '{{.Manifest.Digest}}'
  const args = ['buildx', 'imagetools', 'inspect', '--format', template, image]
  return execFileSync('docker', args, {
    encoding: 'utf8',
    timeout: timeoutMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()
}

const compose = readFileSync(composePath, 'utf8')
const images = imagesIn(compose)
const before = JSON.parse(readFileSync(lockPath, 'utf8')) as Digests

if (process.argv.includes('--check')) {
  const missing = images.filter((image) => before[image] === undefined)
  if (missing.length > 0)
    process.stdout.write(
      `warning: ${missing.length} of ${images.length} images in compose.yaml have no digest; where their registries can be reached, \`npm run images\` fills them in: ${missing.join(', ')}\n`,
    )
} else {
  const now: Record<string, string> = {}
  for (const image of images) {
    try {
      now[image] = ask(image)
    } catch (error) {
      process.stdout.write(`${image}: not asked: ${String((error as Error).message).split('\n', 1)[0]}\n`)
      process.exitCode = 1
      if (before[image] !== undefined) now[image] = before[image]
    }
  }
  // Before anything is written: an answer that is not a digest is refused.
  const text = pinned(compose, now)
  writeFileSync(lockPath, `${JSON.stringify(now, null, 2)}\n`)
  writeFileSync(composePath, text)
  process.stdout.write(`${Object.keys(now).length} of ${images.length} images have a digest\n`)
}
