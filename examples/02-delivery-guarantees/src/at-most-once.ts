/**
 * At most once: the offset is committed before the effect. A crash between the two loses the effect, and nothing is ever
 * done twice. For what is worth less than a repetition: a gauge, a cache that is warmed.
 */
import { appendFileSync } from 'node:fs'
import { effectsFile, maybeDie, readPayments } from './reader.ts'

await readPayments(async (record) => {
  await record.commit()
  maybeDie(record.value)
  appendFileSync(effectsFile, `${record.value}\n`)
})
