import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { apis } from './table.ts'

const readme = new URL('../../README.md', import.meta.url)

/** The README's matrix. Run this file with SVYAZ_WRITE_MATRIX=1 to put it there. */
function matrix(): string {
  const rows = apis.map(({ key, name, min, max, answeredFrom, request, scheduling }) => {
    const versions = answeredFrom === undefined ? `${min}–${max}` : `${min}–${max} (answered from ${answeredFrom})`
    return `| ${key} | ${name} | ${versions} | ${request.flexibleSince} | ${scheduling} |`
  })
  const head = ['| key | API | versions | flexible from | scheduling |', '|---|---|---|---|---|']
  return `<!-- matrix -->\n${[...head, ...rows].join('\n')}\n<!-- /matrix -->`
}

describe('the API table', () => {
  it('is what the README says', () => {
    const text = readFileSync(readme, 'utf8')
    const place = /<!-- matrix -->[\s\S]*<!-- \/matrix -->/
    if (process.env.SVYAZ_WRITE_MATRIX) writeFileSync(readme, text.replace(place, matrix()))
    assert.equal(readFileSync(readme, 'utf8').match(place)?.[0], matrix())
  })

  it('has nothing that the README says is missing', () => {
    const [, denied = ''] = readFileSync(readme, 'utf8').split('## What it does not do, and why')
    const cells = [...denied.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell = '']) => cell.split(', '))
    assert.deepEqual(
      apis.map(({ name }) => name).filter((name) => cells.some((names) => names.includes(name))),
      [],
    )
  })

  it('has each key once, in order, and versions that make sense', () => {
    const keys = apis.map(({ key }) => key)
    assert.deepEqual(
      keys,
      [...new Set(keys)].sort((a, b) => a - b),
    )
    for (const { min, max, request, response } of apis) {
      assert.ok(min >= 0 && max >= min)
      assert.equal(request.flexibleSince, response.flexibleSince)
    }
  })

  it('offers topic ids in Metadata and Fetch together: one client mixes names and ids otherwise', () => {
    const max = (name: string) => apis.find((api) => api.name === name)?.max ?? -1
    assert.equal(max('Metadata') >= 10, max('Fetch') >= 13)
  })
})
