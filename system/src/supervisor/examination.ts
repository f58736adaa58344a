/**
 * The record of what examines the system on a home (contracts/examination.ts): a lock that names its holder by process id
 * and start time, so that one that was left behind hinders nobody.
 */
import { type Examination, type ExaminationRecord, examinationOf, whyNotBeside } from '@svyaz/contracts/examination.ts'
import { SupervisorError } from './errors.ts'
import { claim } from './lock.ts'
import { placesIn } from './places.ts'
import { identify } from './process-table.ts'
import { readJson, writeJson } from './state-files.ts'

/** The examination that goes on on this home, if one does. */
export function examinationOn(home: string): (Examination & { readonly pid: number }) | undefined {
  const record = readJson<Partial<ExaminationRecord>>(placesIn(home).examination)
  return examinationOf(record, typeof record?.pid === 'number' ? identify(record.pid) : undefined)
}

/** An examination that this process has begun; disposed of when it is over. */
export interface Begun extends Disposable {
  /** Says that it was asked to end. */
  stopping(): void
}

/**
 * Begins one in this process. However the process ends, it is over then.
 * @throws SupervisorError with a sentence that names the one that is under way
 */
export function beginExamination(home: string, what: Pick<Examination, 'kind' | 'of'>, now: () => string): Begun {
  const path = placesIn(home).examination
  const said = { ...what, since: now() }
  const release = claim(path, said, (holder) => {
    const refusal = whyNotBeside(examinationOf(holder, holder))
    return new SupervisorError(refusal?.detail ?? `${path} is held by process ${holder.pid}`)
  })
  process.once('exit', release)
  let isOver = false
  return {
    stopping() {
      const self = identify(process.pid)
      if (self !== undefined && !isOver)
        writeJson(path, { ...self, ...said, stopping: true } satisfies ExaminationRecord)
    },
    [Symbol.dispose]() {
      isOver = true
      process.off('exit', release)
      release()
    },
  }
}

/**
 * Asks the one that goes on to end, as Ctrl-C does: it brings back what it broke.
 * @throws SupervisorError when there is none, or it was asked already: a second time it would end at once
 */
export function stopExamination(home: string): Examination {
  const underWay = examinationOn(home)
  if (underWay === undefined) throw new SupervisorError('neither a proof nor an experiment is under way')
  if (underWay.stopping) throw new SupervisorError('it is being stopped already')
  process.kill(underWay.pid, 'SIGTERM')
  return underWay
}
