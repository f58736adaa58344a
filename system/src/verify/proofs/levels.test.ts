/** Service levels: looks at a real run are judged again with one series beyond its objective, or without enough samples. */
import { type Breaks, type ProofId, sees } from '../breaks.ts'

type LevelId = Extract<ProofId, `Levels.${string}`>

const breaks: Breaks<LevelId> = {
  'Levels.gateway-latency': [
    [
      'the objective is missed',
      /0\.9 /,
      (e) => {
        e.series[0]!.value = 0.9
        e.series[0]!.verdict = 'missed'
      },
    ],
    [
      'there is too little to judge',
      /enough samples/,
      (e) => {
        for (const one of e.series) one.verdict = 'no data'
      },
    ],
  ],
  'Levels.gateway-errors': [
    [
      'the objective is missed',
      /0\.5 /,
      (e) => {
        e.series[0]!.value = 0.5
        e.series[0]!.verdict = 'missed'
      },
    ],
    [
      'there is too little to judge',
      /enough samples/,
      (e) => {
        for (const one of e.series) one.verdict = 'no data'
      },
    ],
  ],
  'Levels.service-latency': [
    [
      'the objective is missed',
      /1 /,
      (e) => {
        e.series[0]!.value = 1
        e.series[0]!.verdict = 'missed'
      },
    ],
    [
      'there is too little to judge',
      /enough samples/,
      (e) => {
        for (const one of e.series) one.verdict = 'no data'
      },
    ],
  ],
  'Levels.cpu': [
    [
      'the objective is missed',
      /0\.95 /,
      (e) => {
        e.series[0]!.value = 0.95
        e.series[0]!.verdict = 'missed'
      },
    ],
    [
      'there is too little to judge',
      /enough samples/,
      (e) => {
        for (const one of e.series) one.verdict = 'no data'
      },
    ],
  ],
  'Levels.memory': [
    [
      'the objective is missed',
      /0\.9 /,
      (e) => {
        e.series[0]!.value = 0.9
        e.series[0]!.verdict = 'missed'
      },
    ],
    [
      'there is too little to judge',
      /enough samples/,
      (e) => {
        for (const one of e.series) one.verdict = 'no data'
      },
    ],
  ],
  'Levels.database': [
    [
      'the objective is missed',
      /0\.2 /,
      (e) => {
        e.series[0]!.value = 0.2
        e.series[0]!.verdict = 'missed'
      },
    ],
    [
      'there is too little to judge',
      /enough samples/,
      (e) => {
        for (const one of e.series) one.verdict = 'no data'
      },
    ],
  ],
  'Levels.message-latency': [
    [
      'the objective is missed',
      /2 /,
      (e) => {
        e.series[0]!.value = 2
        e.series[0]!.verdict = 'missed'
      },
    ],
    [
      'there is too little to judge',
      /enough samples/,
      (e) => {
        for (const one of e.series) one.verdict = 'no data'
      },
    ],
  ],
  'Levels.unread-messages': [
    [
      'the objective is missed',
      /5000 /,
      (e) => {
        e.series[0]!.value = 5000
        e.series[0]!.verdict = 'missed'
      },
    ],
    [
      'there is too little to judge',
      /enough samples/,
      (e) => {
        for (const one of e.series) one.verdict = 'no data'
      },
    ],
  ],
  'Levels.message-loss': [
    [
      'the objective is missed',
      /0\.01 /,
      (e) => {
        e.series[0]!.value = 0.01
        e.series[0]!.verdict = 'missed'
      },
    ],
    [
      'there is too little to judge',
      /enough samples/,
      (e) => {
        for (const one of e.series) one.verdict = 'no data'
      },
    ],
  ],
  'Levels.network-latency': [
    [
      'the objective is missed',
      /0\.2 /,
      (e) => {
        e.series[0]!.value = 0.2
        e.series[0]!.verdict = 'missed'
      },
    ],
    [
      'there is too little to judge',
      /enough samples/,
      (e) => {
        for (const one of e.series) one.verdict = 'no data'
      },
    ],
  ],
}

sees(breaks)
