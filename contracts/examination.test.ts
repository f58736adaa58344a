import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ExaminationRecord, examinationOf, whyNotBeside } from './examination.ts'

const record: ExaminationRecord = {
  kind: 'proof',
  of: 'R4.2',
  since: '2026-11-27T12:00:00.000Z',
  pid: 41,
  startedAt: '900',
}

test('a record holds for as long as that very process runs', () => {
  const { startedAt: _, ...underWay } = record
  assert.deepEqual(examinationOf(record, { pid: 41, startedAt: '900' }), underWay)
  assert.equal(examinationOf(record, undefined), undefined, 'its process has gone')
  assert.equal(examinationOf(record, { pid: 41, startedAt: '901' }), undefined, 'its id is another process’s')
  assert.equal(examinationOf(undefined, { pid: 41, startedAt: '900' }), undefined)
  assert.equal(examinationOf({ ...record, kind: 'nonsense' as 'proof' }, record), undefined)
})

test('nothing hinders the first; a second is refused with the name of what is under way', () => {
  assert.equal(whyNotBeside(undefined), undefined)
  const beside = whyNotBeside(examinationOf(record, record))
  assert.equal(beside?.code, 'proof_under_way')
  assert.match(beside?.detail ?? '', /a proof of R4\.2 is under way \(since 2026-\S+, process 41\).* or stop it$/)
  const experiment = whyNotBeside({ kind: 'experiment', of: '7', since: record.since })
  assert.equal(experiment?.code, 'experiment_under_way')
  assert.match(experiment?.detail ?? '', /seed 7, is under way \(since 2026-[^,]+\)/)
})

test('of one that is being stopped the refusal says so', () => {
  const underWay = examinationOf({ ...record, stopping: true }, record)
  assert.equal(underWay?.stopping, true)
  assert.match(whyNotBeside(underWay)?.detail ?? '', /being stopped already/)
})
