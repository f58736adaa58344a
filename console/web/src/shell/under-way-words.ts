import type { ExaminationKind } from '@svyaz/contracts/examination.ts'
import { inEnglish, inRussian } from './refusals.ts'

type Says = Readonly<Record<ExaminationKind, (of: string, since: string) => string>>

const en = {
  underWay: {
    proof: (of, since) => `A proof of ${of} has been under way since ${since}.`,
    experiment: (of, since) => `An experiment of the fault lab, seed ${of}, has been under way since ${since}.`,
  } as Says,
  process: (pid: number) => `Its process is ${pid}.`,
  hinders: 'Another would spoil its figures, so none can begin beside it.',
  end: 'End it',
  ending: 'It brings back what it broke …',
  refused: (error: unknown) => `Not ended: ${inEnglish(error)}`,
}

const ru: typeof en = {
  underWay: {
    proof: (of, since) => `С ${since} идёт доказательство ${of}.`,
    experiment: (of, since) => `С ${since} идёт эксперимент лаборатории сбоев с затравкой ${of}.`,
  },
  process: (pid) => `Номер процесса — ${pid}.`,
  hinders: 'Второе дело исказило бы результат, поэтому начать его рядом нельзя.',
  end: 'Закончить',
  ending: 'Возвращает сломанное на место …',
  refused: (error) => `Закончить не удалось: ${inRussian(error)}`,
}

export const underWayWords = { en, ru }
