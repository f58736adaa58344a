/**
 * What examines a running system: a proof of the assignment or an experiment of the fault lab. There is one at a time,
 * whoever began it and from where: each breaks parts and measures, and two would spoil each other's figures. Types and
 * rules, no schema: it is said between programs of one machine.
 */

export const examinationKinds = ['proof', 'experiment'] as const
export type ExaminationKind = (typeof examinationKinds)[number]

export interface Examination {
  readonly kind: ExaminationKind
  /** Rows of the assignment, or the experiment's seed. */
  readonly of: string
  /** RFC 3339. */
  readonly since: string
  /** Of its process; absent before it has said so itself. */
  readonly pid?: number
  /** It was asked to end, and brings back what it broke. */
  readonly stopping?: boolean
}

/** A process; `startedAt` tells it from another that got the same id. */
export interface ExaminerIdentity {
  readonly pid: number
  readonly startedAt: string
}

/** What an examination writes down of itself for as long as it goes on. */
export type ExaminationRecord = Examination & ExaminerIdentity

/**
 * The examination that goes on, by what was written down of the last. Pure.
 * @param record what the file holds; undefined when there is none
 * @param seen the process that has the record's id now; undefined when there is none
 * @returns undefined when the record was left behind: its process has gone, or the id is another's
 */
export function examinationOf(
  record: Partial<ExaminationRecord> | undefined,
  seen: ExaminerIdentity | undefined,
): (Examination & { readonly pid: number }) | undefined {
  if (record === undefined || seen === undefined) return undefined
  if (record.pid !== seen.pid || record.startedAt !== seen.startedAt) return undefined
  const kind = examinationKinds.find((one) => one === record.kind)
  if (kind === undefined) return undefined
  return {
    kind,
    of: String(record.of),
    since: String(record.since),
    pid: seen.pid,
    ...(record.stopping === true ? { stopping: true } : {}),
  }
}

/** Codes with which a second one is refused, by what is under way. */
export const examinationCodes = { proof: 'proof_under_way', experiment: 'experiment_under_way' } as const

/**
 * Why none may begin beside the one that goes on; undefined when one may. Pure.
 * @returns the code of the refusal, and a sentence that names what is under way
 */
export function whyNotBeside(
  underWay: Examination | undefined,
): { readonly code: (typeof examinationCodes)[ExaminationKind]; readonly detail: string } | undefined {
  if (underWay === undefined) return undefined
  const { kind, of, pid, since, stopping } = underWay
  const what = kind === 'proof' ? `a proof of ${of}` : `an experiment of the fault lab, seed ${of},`
  const where = pid === undefined ? `since ${since}` : `since ${since}, process ${pid}`
  const next = stopping ? 'it is being stopped already' : 'wait for its end, or stop it'
  return {
    code: examinationCodes[kind],
    detail: `${what} is under way (${where}), and another would spoil its figures: ${next}`,
  }
}
