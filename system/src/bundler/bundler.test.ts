import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Bundler } from './bundler.ts'

const checkout = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

function project(files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'svyaz bundle '))
  symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'))
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  write('package.json', '{"type":"module"}')
  for (const [name, text] of Object.entries(files)) write(name, text)
  return { root, write, directory: join(root, 'bundles') }
}
const run = (file: string) => execFileSync(process.execPath, [file], { encoding: 'utf8' }).trim()
const modified = (file: string) => readFileSync(file, 'utf8')

test('the Kafka client runs from a bundle and finds its WebAssembly', async () => {
  const { root, directory } = project({
    'main.ts': `import { Producer } from '@platformatic/kafka'\nimport { crc32c } from '@platformatic/wasm-utils'\nconst name: string = Producer.name\nconsole.log(name, crc32c(Buffer.from('123456789')).toString(16))`,
  })
  // CRC-32C of "123456789" is e3069283 (RFC 3720, appendix B.4 lists the polynomial).
  assert.equal(run(await new Bundler({ root, directory }).bundleOf('main.ts')), 'Producer e3069283')
})

test('a `using` in a loop forgets the round that threw, as under Node', async () => {
  const { root, directory } = project({
    'main.ts': `const open = async (round: number) => {
  if (round === 1) throw new Error('round 1')
  return { [Symbol.asyncDispose]: async () => {} }
}
for (let round = 1; ; round++) {
  try {
    await using _file = await open(round)
    console.log('opened in round', round)
    break
  } catch (error) {
    if (round > 1) throw error
  }
}`,
  })
  assert.equal(run(await new Bundler({ root, directory }).bundleOf('main.ts')), 'opened in round 2')
})

test('what is imported late stays outside the first file', async () => {
  const { root, directory } = project({
    'main.ts': `if (process.argv[2]) await import('./late.ts')\nconsole.log('early')`,
    'late.ts': `console.log('a mark that is easy to find')\nexport {}`,
  })
  const file = await new Bundler({ root, directory }).bundleOf('main.ts')
  assert.equal(readFileSync(file, 'utf8').includes('easy to find'), false)
  assert.equal(run(file), 'early')
  assert.equal(
    execFileSync(process.execPath, [file, 'late'], { encoding: 'utf8' }),
    'a mark that is easy to find\nearly\n',
  )
})

test('nothing of the first round, which knew less of the modules, stays in the bundle', async () => {
  const { root, directory } = project({
    'main.ts': `const { place } = await import('./late.ts')\nconsole.log(place)`,
    'late.ts': `export const place = import.meta.filename`,
  })
  const file = await new Bundler({ root, directory }).bundleOf('main.ts')
  assert.equal(run(file), join(root, 'late.ts'))
  const late = readdirSync(dirname(file)).filter((name) => /^late-.*\.mjs$/.test(name))
  assert.equal(late.length, 1, late.join())
})

test('a CommonJS package that is imported late has its names, as under Node', async () => {
  const text = `const grpc = await import('@grpc/grpc-js')
const { word } = await import('./late.ts')
console.log(typeof grpc.Server, typeof grpc.default.Server, grpc.status.NOT_FOUND, word)`
  const { root, directory } = project({ 'main.ts': text, 'late.ts': `export const word = 'late'` })
  const expected = 'function function 5 late'
  assert.equal(run(join(root, 'main.ts')), expected, 'by Node itself')
  assert.equal(run(await new Bundler({ root, directory }).bundleOf('main.ts')), expected, 'from a bundle')
})

test('a module reads what is beside its source', async () => {
  const { root, directory } = project({
    'main.ts': `import { readFileSync } from 'node:fs'\nconsole.log(readFileSync(new URL('./words.txt', import.meta.url), 'utf8'))`,
    'words.txt': 'beside the source',
  })
  assert.equal(run(await new Bundler({ root, directory }).bundleOf('main.ts')), 'beside the source')
})

test('the entry is started as if it were its source', async () => {
  const { root, directory } = project({
    'main.ts': `import './part.ts'\nimport { fileURLToPath } from 'node:url'\nconsole.log(import.meta.main, process.argv[1] === fileURLToPath(import.meta.url))`,
    'part.ts': `console.log(import.meta.main, process.argv[1] === import.meta.filename)`,
  })
  assert.equal(run(await new Bundler({ root, directory }).bundleOf('main.ts')), 'false false\ntrue true')
})

test('a bundle is built again only when a source says something else', async () => {
  const { root, directory, write } = project({
    'main.ts': `import { word } from './word.ts'\nconsole.log(word)`,
    'word.ts': `export const word = 'one'`,
  })
  const bundler = () => new Bundler({ root, directory })
  const first = await bundler().bundleOf('main.ts')
  assert.equal(await bundler().bundleOf('main.ts'), first)

  const manifest = join(directory, 'main.ts.json')
  const before = modified(manifest)
  utimesSync(join(root, 'word.ts'), new Date(), new Date(Date.now() + 60_000))
  assert.equal(await bundler().bundleOf('main.ts'), first, 'a new time with the old content')
  assert.notEqual(modified(manifest), before, 'the new time is noted')

  write('word.ts', `export const word = 'two'`)
  const second = await bundler().bundleOf('main.ts')
  assert.notEqual(second, first)
  assert.equal(run(second), 'two')

  bundler().removeUnused()
  const folders = readdirSync(directory).filter((name) => !name.endsWith('.json'))
  assert.deepEqual(folders, [dirname(second).split('/').at(-1)])
})

test("a checkout never runs another's bundle, though they have the same entries in one folder", async () => {
  const main = (word: string) => ({ 'main.ts': `console.log('${word}', import.meta.dirname)` })
  const [a, b] = [project(main('first')), project(main('second'))]
  for (const [root, word] of [
    [a.root, 'first'],
    [b.root, 'second'],
    [a.root, 'first'],
  ] as const)
    assert.equal(run(await new Bundler({ root, directory: a.directory }).bundleOf('main.ts')), `${word} ${root}`)
})

test('two requests for one entry at the same time make one bundle', async () => {
  const { root, directory } = project({ 'main.ts': `console.log('once')` })
  const bundler = new Bundler({ root, directory })
  const [a, b] = await Promise.all([bundler.bundleOf('main.ts'), bundler.bundleOf('main.ts')])
  assert.equal(a, b)
  assert.equal(run(a), 'once')
})

test('what is asked for at once is built at once, and only what its own sources touch is built again', async () => {
  const { root, directory, write } = project({
    'a.ts': `import { word } from './shared.ts'\nconsole.log('a', word, process.argv[1]?.endsWith('a.ts'))`,
    'b.ts': `import { word } from './shared.ts'\nimport { own } from './own.ts'\nconsole.log('b', word, own)`,
    'broken.ts': `import './missing.ts'`,
    'shared.ts': `export const word = process.env.WORD ?? 'shared'`,
    'own.ts': `export const own = 1`,
  })
  const all = (bundler: Bundler) => Promise.all(['a.ts', 'b.ts'].map((entry) => bundler.bundleOf(entry)))
  const [a = '', b = ''] = await all(new Bundler({ root, directory }))
  assert.equal(dirname(a), dirname(b))
  assert.deepEqual([run(a), run(b)], ['a shared true', 'b shared 1'])

  write('own.ts', `export const own = 2`)
  const [sameA, newB = ''] = await all(new Bundler({ root, directory }))
  assert.equal(sameA, a)
  assert.equal(run(newB), 'b shared 2')

  write('shared.ts', `export const word = 'other'`)
  const bundler = new Bundler({ root, directory })
  const broken = assert.rejects(bundler.bundleOf('broken.ts'), /missing\.ts/)
  const [lastA = '', lastB = ''] = await all(bundler)
  await broken
  assert.deepEqual([run(lastA), run(lastB)], ['a other true', 'b other 2'])
})

test('an entry that cannot be built says where, and leaves nothing behind', async () => {
  const { root, directory } = project({ 'main.ts': `import './missing.ts'` })
  await assert.rejects(new Bundler({ root, directory }).bundleOf('main.ts'), /main\.ts:1:7.*missing\.ts/s)
  assert.deepEqual(readdirSync(directory), [])
})
