import assert from 'node:assert/strict'
import { test } from 'node:test'
import { age, bytes, decimal, duration, micros, money } from './format.ts'

test('durations have the unit that fits, and three figures at most', () => {
  const cases: [number, string, string][] = [
    [0.04, '0.0 ms', '0,0 мс'],
    [12.4, '12 ms', '12 мс'],
    [999.4, '999 ms', '999 мс'],
    [999.6, '1.00 s', '1,00 с'],
    [2_345, '2.35 s', '2,35 с'],
    [12_345, '12.3 s', '12,3 с'],
    [65_000, '1 min 5 s', '1 мин 5 с'],
  ]
  for (const [ms, en, ru] of cases) {
    assert.equal(duration(ms, 'en'), en)
    assert.equal(duration(ms, 'ru'), ru)
  }
})

test('ages lose their small units as they grow', () => {
  assert.deepEqual(
    [5, 65, 900, 3_600, 9_000, 200_000].map((seconds) => age(seconds * 1_000, 'en')),
    ['5 s', '1 min 5 s', '15 min', '1 h', '2 h 30 min', '2 d'],
  )
})

test('money is written as the language writes it', () => {
  assert.equal(money({ amountMinor: 4_990, currency: 'EUR' }, 'en'), '€49.90')
  assert.match(money({ amountMinor: 123_456, currency: 'EUR' }, 'ru'), /^1\s234,56\s€$/)
})

test('microseconds grow into what people can read', () => {
  assert.deepEqual(
    [0, 812, 999.6, 1_240, 9_996, 62_340, 340_000, 999_600, 1_250_000].map((value) => micros(value, 'en')),
    ['0 µs', '812 µs', '1000 µs', '1.24 ms', '10.0 ms', '62.3 ms', '340 ms', '1.00 s', '1.25 s'],
  )
  assert.equal(micros(1_240, 'ru'), '1,24 мс')
})

test('rates have two figures, or all of a whole number', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [0.0167, '0.017'],
    [0.42, '0.42'],
    [3.14, '3.1'],
    [27.4, '27'],
    [1_240.4, '1,240'],
  ]
  for (const [value, text] of cases) assert.equal(decimal(value, 'en'), text)
  assert.equal(decimal(0.42, 'ru'), '0,42')
})

test('sizes have powers of a thousand, and two figures while they are small', () => {
  assert.deepEqual(
    [0, 812, 1_234, 14_499, 1_250_000, 3e12].map((value) => bytes(value, 'en')),
    ['0 B', '812 B', '1.2 kB', '14 kB', '1.3 MB', '3,000 GB'],
  )
  assert.equal(bytes(1_234, 'ru'), '1,2 кБ')
})
