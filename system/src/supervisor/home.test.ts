import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type HomeStep, homeSteps, homeVersion, openHome } from './home.ts'
import { placesIn } from './places.ts'

const checkout = { root: '/checkouts/a', version: '1.0.0', commit: '0123456789' }

function newHome(t: TestContext) {
  const places = placesIn(mkdtempSync(join(tmpdir(), 'svyaz-home-')))
  t.after(() => rmSync(places.home, { recursive: true, force: true }))
  const version = () => JSON.parse(readFileSync(places.version, 'utf8')).version as number
  return { places, version }
}

/** Writes its letter down. */
const step =
  (letter: string): HomeStep =>
  (home) =>
    appendFileSync(join(home, 'done'), letter)
const done = (home: string) => (existsSync(join(home, 'done')) ? readFileSync(join(home, 'done'), 'utf8') : '')

test('a home is brought through every step that it has not had, in order, once', (t) => {
  const { places, version } = newHome(t)
  mkdirSync(places.keys)
  assert.equal(openHome(places, checkout, [step('a')]), 0)
  assert.equal(openHome(places, checkout, [step('a'), step('b'), step('c')]), 1)
  assert.deepEqual([done(places.home), version()], ['abc', 3])
  assert.equal(openHome(places, checkout, [step('a'), step('b'), step('c')]), undefined)
  assert.equal(done(places.home), 'abc')
})

test('a step that was cut off is run again, those before it are not', (t) => {
  const { places, version } = newHome(t)
  const cut: HomeStep = (home) => {
    step('b')(home)
    throw new Error('power cut')
  }
  assert.throws(() => openHome(places, checkout, [step('a'), cut, step('c')]), /power cut/)
  assert.equal(version(), 1)
  openHome(places, checkout, [step('a'), step('b'), step('c')])
  assert.deepEqual([done(places.home), version()], ['abbc', 3])
})

test('a newer home is refused with who made it and what to do, and stays as it is', (t) => {
  const { places } = newHome(t)
  openHome(places, { ...checkout, root: '/checkouts/b', version: '2.0.0' }, [step('a'), step('b')])
  const before = readFileSync(places.version, 'utf8')
  for (const use of [homeVersion, openHome])
    assert.throws(
      () => use(places, checkout, [step('a')]),
      /version 2, last used by \/checkouts\/b \(2\.0\.0, commit 0123456\)(.|\n)*knows versions up to 1(.|\n)*SVYAZ_HOME=/,
    )
  assert.equal(readFileSync(places.version, 'utf8'), before)
  assert.equal(done(places.home), 'ab')
})

test('a record that can not be read is not taken for a home without one', (t) => {
  const { places } = newHome(t)
  mkdirSync(dirname(places.version))
  for (const text of ['', '{"version":', '{"version":"1"}', '{}']) {
    writeFileSync(places.version, text)
    assert.throws(() => openHome(places, checkout, [step('a')]), /home\.json doesn't say which version/)
  }
  assert.equal(done(places.home), '')
})

test('a new home has the present version, and nothing is said of it', (t) => {
  const { places, version } = newHome(t)
  assert.equal(openHome(places, checkout), undefined)
  assert.equal(version(), homeSteps.length)
})

test('the first step removes what was built for no checkout in particular, and nothing else', (t) => {
  const { places } = newHome(t)
  for (const name of ['bundles', 'compile-cache', 'pages', 'keys', 'broker', 'logs'])
    mkdirSync(join(places.home, name, 'below'), { recursive: true })
  assert.equal(openHome(places, checkout), 0)
  const left = ['bundles', 'compile-cache', 'pages', 'keys', 'broker', 'logs'].filter((name) =>
    existsSync(join(places.home, name, 'below')),
  )
  assert.deepEqual(left, ['keys', 'broker', 'logs'])
})
