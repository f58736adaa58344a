import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { buildingPage } from '../../../bff/src/first-page.ts'
import { entryOf } from './build.ts'

test('a page names its entry, wherever the attributes stand; the page of a build under way names none', () => {
  const html = readFileSync(new URL('../../index.html', import.meta.url), 'utf8')
  assert.equal(entryOf(html), '/src/main.tsx')
  assert.equal(
    entryOf('<script type="module" crossorigin src="/assets/index-a_B.js"></script>'),
    '/assets/index-a_B.js',
  )
  assert.equal(entryOf('<script src="/assets/index-a.js" type="module"></script>'), '/assets/index-a.js')
  assert.equal(entryOf('<script src="/first.js"></script>'), undefined)
  assert.equal(entryOf(buildingPage), undefined)
})
