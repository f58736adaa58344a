/** The figures of `npm run bench:console` as the table of console/README.md: medians over the rounds. */
import { benchResult, notRecorded } from './bench-result.ts'
import { table } from './regions.ts'

interface Taken {
  readonly requests: number
  readonly bytes: number
}

interface Load {
  readonly files: Taken
  readonly answers: Taken
  readonly usefulMs: number
}

interface Result {
  readonly command: string
  readonly at: string
  readonly machine: string
  readonly chromium: string
  readonly pages: readonly {
    readonly path: string
    readonly title: { readonly en: string }
    readonly first: readonly Load[]
    readonly again: readonly Load[]
  }[]
}

/** One row for each page, with command, date and machine; a sentence while no run is recorded. */
export function consoleFigures(): string {
  const result = benchResult<Result>('console')
  if (result === undefined) return notRecorded
  const { command, at, machine, chromium, pages } = result
  return [
    table(
      ['page', 'files', 'kB of files', 'kB of answers', 'useful after, ms', 'again, ms'],
      pages.map(({ path, title, first, again }) => [
        path === '' ? title.en : `${title.en} (\`/${path}\`)`,
        String(middle(first.map(({ files }) => files.requests))),
        inKb(middle(first.map(({ files }) => files.bytes))),
        inKb(middle(first.map(({ answers }) => answers.bytes))),
        spread(first),
        spread(again),
      ]),
    ),
    '',
    `\`${command}\`, ${at.slice(0, 10)}, ${machine}, Chromium ${chromium}. Medians; times with the least and the greatest. Raw output: [console.json](../lab/bench/results/console.json).`,
  ].join('\n')
}

const inKb = (bytes: number): string => (bytes / 1_000).toFixed(1)

const spread = (loads: readonly Load[]): string => {
  const times = loads.map(({ usefulMs }) => usefulMs)
  return `${middle(times)} (${Math.min(...times)}–${Math.max(...times)})`
}

/** The middle one; of an even number the upper of the two. */
const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
