/**
 * At least once: the offset is committed after the effect. A crash between the two repeats the effect, and nothing is
 * ever lost. For effects that bear repetition: setting a value, or work that has a key of its own.
 */
import { appendFileSync } from 'node:fs'
import { effectsFile, maybeDie, readPayments } from './reader.ts'

await readPayments(async (record) => {
  appendFileSync(effectsFile, `${record.value}\n`)
  maybeDie(record.value)
  await record.commit()
})
