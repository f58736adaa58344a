/**
 * Makes what an image of each process holds: its bundle and the files that this reads. Runs in the Dockerfile:
 * `node deploy/image/main.ts --to <folder>`, where a folder a process appears.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
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
    const main = await bundler.bundleOf(entry)
    const bundle = dirname(main)
    // Source maps stay out: they would be 40 % of it, and are read only when a developer asks for them.
    const files = readdirSync(bundle).filter((file) => file.endsWith('.mjs'))
    const text = files.map((file) => readFileSync(join(bundle, file), 'utf8')).join('\n')
    const image = join(to, name)
    mkdirSync(image, { recursive: true })
    for (const file of files) copyFileSync(join(bundle, file), join(image, file))
    writeFileSync(join(image, 'main.mjs'), startOf(basename(main)))
    if (name === 'console') buildPage(join(image, 'page'))
    for (const asset of assetsOf(root, entry, text)) {
      mkdirSync(join(image, dirname(asset)), { recursive: true })
      copyFileSync(join(root, asset), join(image, asset))
    }
    process.stdout.write(`${name}: ${files.length} files, ${Math.round(text.length / 1024)} KiB\n`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}

/** The same name in every image; a bundle tells from the script's name what it is. */
function startOf(bundle: string): string {
  return `process.argv[1]=new URL('./${bundle}',import.meta.url).pathname;await import('./${bundle}')\n`
}

/** The page that the console serves: Vite and the sources stay out of the image. */
function buildPage(folder: string): void {
  execFileSync(process.execPath, [join(root, 'console/web/build.ts'), folder], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  rmSync(`${folder}-cache`, { recursive: true, force: true })
}
