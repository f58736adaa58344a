/**
 * Makes what an image of each process holds: its bundle and the files that this reads. Runs in the Dockerfile:
 * `node deploy/image/build.ts --to <folder>`, where a folder a process appears.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { Bundler } from '@svyaz/system/bundler'
import { assetsOf } from './assets.ts'
import { imageEntries } from './entries.ts'

const root = join(import.meta.dirname, '../..')
const { to } = parseArgs({ options: { to: { type: 'string' } } }).values
if (to === undefined) throw new Error('where to? --to <folder>')

const directory = mkdtempSync(join(tmpdir(), 'svyaz-bundles-'))
try {
  const bundler = new Bundler({ root, directory })
  for (const [name, entry] of Object.entries(imageEntries)) {
    const bundle = dirname(await bundler.bundleOf(entry))
    // Source maps stay out: they would be 40 % of it, and are read only when a developer asks for them.
    const files = readdirSync(bundle).filter((file) => file.endsWith('.mjs'))
    const text = files.map((file) => readFileSync(join(bundle, file), 'utf8')).join('\n')
    const image = join(to, name)
    mkdirSync(image, { recursive: true })
    for (const file of files) copyFileSync(join(bundle, file), join(image, file))
    for (const asset of assetsOf(root, entry, text)) {
      mkdirSync(join(image, dirname(asset)), { recursive: true })
      copyFileSync(join(root, asset), join(image, asset))
    }
    process.stdout.write(`${name}: ${files.length} files, ${Math.round(text.length / 1024)} KiB\n`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
