import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fields, text, when, whole, writeYaml } from './yaml.ts'

const written = (fields: Fields) => [writeYaml(fields, 'plain'), writeYaml(fields, 'helm')]

test('what a reader would take for a number, a word of YAML or a mark is quoted', () => {
  assert.equal(
    writeYaml(
      { a: '8080', b: 'true', c: 'x: y', d: '', e: 'ALL', f: '/run', g: 'Off', h: '*', i: 5, j: true },
      'plain',
    ),
    'a: "8080"\nb: "true"\nc: "x: y"\nd: ""\ne: ALL\nf: /run\ng: "Off"\nh: "*"\ni: 5\nj: true\n',
  )
})

test('lists of fields begin with a dash in the place of the first', () => {
  assert.equal(
    writeYaml({ a: [{ b: 1, c: { d: ['e'] } }, 'f'], g: [], h: {} }, 'plain'),
    'a:\n  - b: 1\n    c:\n      d:\n        - e\n  - f\ng: []\nh: {}\n',
  )
})

test('a value of the chart is its default in the plain form', () => {
  assert.deepEqual(written({ a: text('.Values.a', 'x'), b: whole('.Values.b', 2) }), [
    'a: "x"\nb: 2\n',
    'a: {{ .Values.a | quote }}\nb: {{ int .Values.b }}\n',
  ])
})

test('fields under a condition are there in the plain form when the default says so', () => {
  const fields = (plain: boolean): Fields => ({ a: { some: when('.Values.on', plain, { b: 1 }), c: 2 } })
  assert.deepEqual(written(fields(true)), [
    'a:\n  b: 1\n  c: 2\n',
    'a:\n{{- if .Values.on }}\n  b: 1\n{{- end }}\n  c: 2\n',
  ])
  assert.equal(writeYaml(fields(false), 'plain'), 'a:\n  c: 2\n')
})
