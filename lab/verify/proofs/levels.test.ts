/** Service levels: looks at a real run are judged again with one series beyond its objective, or without enough samples. */
import { type Breaks, type ProofId, sees } from '../breaks.ts'

type LevelId = Extract<ProofId, `Levels.${string}`>
interface Series {
  series: { of: string; value: number | undefined; samples: number }[]
}

/** Verdicts that came with the series stay as they were recorded: they must not be believed. */
const missedBy =
  (value: number) =>
  ({ series }: Series): void => {
    const one = series.reduce((most, next) => (next.samples > most.samples ? next : most))
    one.value = value
  }
const tooFew = ({ series }: Series): void => {
  for (const one of series) one.samples = 1
}
const noValueOf =
  (samples: number) =>
  ({ series }: Series): void => {
    for (const one of series) Object.assign(one, { value: null, samples })
  }
const noValue = noValueOf(1_249)

const breaks: Breaks<LevelId> = {
  'Levels.gateway-latency': [
    ['the objective is missed', /0\.9 /, missedBy(0.9)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
  'Levels.gateway-throughput': [
    ['the objective is missed', /900 requests\/s/, missedBy(900)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
  'Levels.gateway-errors': [
    ['the objective is missed', /0\.5 /, missedBy(0.5)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
  'Levels.service-latency': [
    ['the objective is missed', /1 /, missedBy(1)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
  'Levels.cpu': [
    ['the objective is missed', /0\.95 /, missedBy(0.95)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
  'Levels.memory': [
    ['the objective is missed', /0\.9 /, missedBy(0.9)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
  'Levels.database': [
    ['the objective is missed', /0\.2 /, missedBy(0.2)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
  'Levels.message-latency': [
    ['the objective is missed', /2 /, missedBy(2)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
  'Levels.message-throughput': [
    ['the objective is missed', /4900 messages\/s/, missedBy(4_900)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /9249 samples, and its expression gives no value/, noValueOf(9_249)],
  ],
  'Levels.unread-messages': [
    ['the objective is missed', /5000 /, missedBy(5000)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
  'Levels.message-loss': [
    ['the objective is missed', /0\.01 /, missedBy(0.01)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
  'Levels.network-latency': [
    ['the objective is missed', /0\.2 /, missedBy(0.2)],
    ['there is too little to judge', /no series had enough samples: 1 at most, \d+ are needed/, tooFew],
    ['there are samples and no value', /1249 samples, and its expression gives no value/, noValue],
  ],
}

sees(breaks)
