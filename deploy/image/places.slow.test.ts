/** Every image's bundle, made as the Dockerfile makes it: no place in it is without a rule (assets.ts). */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { Bundler } from '@svyaz/system/bundler'
import { assetsOf } from './assets.ts'
import { imageEntries } from './entries.ts'

const root = join(import.meta.dirname, '../..')
const directory = mkdtempSync(join(tmpdir(), 'svyaz-places-'))
const bundler = new Bundler({ root, directory })
after(() => rmSync(directory, { recursive: true, force: true }))

for (const [name, entry] of Object.entries(imageEntries))
  test(`it is known what the bundle of ${name} reads beside itself`, async () => {
    const bundle = dirname(await bundler.bundleOf(entry))
    const files = readdirSync(bundle).filter((file) => file.endsWith('.mjs'))
    const text = files.map((file) => readFileSync(join(bundle, file), 'utf8')).join('\n')
    assert.ok(text.length > 0)
    assert.doesNotThrow(() => assetsOf(root, entry, text))
  })
