import type { Verdict } from '../../../../assignment.ts'
import { inEnglish, inRussian } from '../../shell/refusals.ts'

const en = {
  about:
    'Each row says what is asked of the system and what proves it. A proof asks the running system through its public interfaces, and its judge is that of npx svyaz verify.',
  counts: (rows: number, ran: number, passed: number, failed: number, notRun: number) =>
    `${rows} rows. Run from here: ${ran}; passed ${passed}, failed ${failed}, not provable here ${notRun}.`,
  verdicts: { PASS: 'passed', FAIL: 'failed', 'NOT RUN': 'not provable here' } satisfies Record<Verdict, string>,
  notYet: 'not run from here yet',
  elsewhere: 'proven elsewhere',
  ago: (time: string) => `${time} ago`,
  ranHere: 'on this system, with its embedded parts',
  run: (id: string) => `Prove ${id}`,
  runAll: (id: string) => `Prove all of ${id}`,
  really: 'Really: it stops parts and brings them back',
  proof: 'Proof',
  disturbs: 'It stops, kills or reconfigures something, and brings it back.',
  where: 'Where it is met',
  missing: 'What can’t be proven here',
  engines: 'On engines',
  notRecorded: 'no run recorded',
  suite: (passed: number, failed: number) => `${passed} passed, ${failed} failed`,
  output: 'What the proof says',
  running: (row: string, since: string) => `${row} is being proven, since ${since}`,
  ended: 'was ended before it was done; what it broke is brought back.',
  ends: {
    0: 'passed.',
    1: 'failed.',
    2: 'part of it can’t be run here.',
  } as Readonly<Record<string, string>>,
  cut: (error: unknown) => `What it says can’t be read any more: ${inEnglish(error)}`,
  notHere: 'This console has no list of the assignment: it isn’t beside the sources of the system.',
  gone: (error: unknown) => `The assignment can’t be shown: ${inEnglish(error)}`,
  refused: (error: unknown) => `Refused: ${inEnglish(error)}`,
}

const ru: typeof en = {
  about:
    'В каждой строке — требование к системе и его доказательство. Доказательство обращается к работающей системе через её открытые интерфейсы; судит то же, что и npx svyaz verify. Строки — на английском.',
  counts: (rows, ran, passed, failed, notRun) =>
    `Строк: ${rows}. Запущено отсюда: ${ran}; выполнено ${passed}, не выполнено ${failed}, здесь не доказать ${notRun}.`,
  verdicts: { PASS: 'выполнено', FAIL: 'не выполнено', 'NOT RUN': 'здесь не доказать' },
  notYet: 'отсюда ещё не запускали',
  elsewhere: 'доказывается в другом месте',
  ago: (time) => `${time} назад`,
  ranHere: 'на этой системе, со встроенными частями',
  run: (id) => `Доказать ${id}`,
  runAll: (id) => `Доказать всё из ${id}`,
  really: 'Точно: части остановятся и вернутся',
  proof: 'Доказательство',
  disturbs: 'Что-то останавливает, убивает или перенастраивает и возвращает обратно.',
  where: 'Где выполнено',
  missing: 'Чего здесь не доказать',
  engines: 'На движках',
  notRecorded: 'записанных запусков нет',
  suite: (passed, failed) => `успешно ${passed}, с ошибкой ${failed}`,
  output: 'Что сообщает доказательство',
  running: (row, since) => `${row} доказывается с ${since}`,
  ended: 'прервано; сломанное возвращено на место.',
  ends: {
    0: 'выполнено.',
    1: 'не выполнено.',
    2: 'часть здесь не запустить.',
  },
  cut: (error) => `Дальше вывод не читается: ${inRussian(error)}`,
  notHere: 'У этой консоли нет списка требований: исходников системы рядом с ней нет.',
  gone: (error) => `Показать задание нельзя: ${inRussian(error)}`,
  refused: (error) => `Отказ: ${inRussian(error)}`,
}

export const assignmentWords = { en, ru }
