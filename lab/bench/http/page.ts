/**
 * One browser, one version of HTTP, in the network namespace of the bench: page.ts VERSION URL SPKI ROUNDS COUNT [PROGRAM]. Each
 * round is a new browser: a first request with its handshakes, then COUNT at once. Prints a line of JSON a round.
 */
import { chromium } from 'playwright-core'

const [version = '', url = '', spki = '', rounds = '1', count = '100', browserPath = '/usr/bin/chromium'] =
  process.argv.slice(2)
const { host } = new URL(url)

const flags: Readonly<Record<string, readonly string[]>> = {
  '1.1': ['--disable-http2', '--disable-quic'],
  '2': ['--disable-quic'],
  '3': ['--enable-quic', `--origin-to-force-quic-on=${host}`],
}

export interface Round {
  readonly version: string
  /** What the browser says that it spoke, each once. */
  readonly spoken: readonly string[]
  /** From the first packet of a new connection to the end of the first answer. */
  readonly firstMs: number
  /** All of the requests that went out together. */
  readonly allMs: number
  /** Each of them, in ms, sorted. */
  readonly eachMs: readonly number[]
}

for (let round = 0; round < Number(rounds); round++) {
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      `--ignore-certificate-errors-spki-list=${spki}`,
      ...flags[version]!,
    ],
  })
  try {
    const page = await browser.newPage({ ignoreHTTPSErrors: true })
    await page.goto(`${url}/first`)
    const line = await page.evaluate(
      async ([address, many]) => {
        // Names of the DOM, which this project's types know nothing of.
        type Timing = {
          name: string
          duration: number
          fetchStart: number
          responseEnd: number
          nextHopProtocol: string
        }
        const entriesOf = (type: string) => performance.getEntriesByType(type as 'resource') as unknown as Timing[]
        const [first] = entriesOf('navigation')
        performance.setResourceTimingBufferSize(1_000)
        const began = performance.now()
        await Promise.all(
          Array.from({ length: Number(many) }, async (_, index) => (await fetch(`${address}/${index}`)).text()),
        )
        const allMs = performance.now() - began
        const mine = entriesOf('resource').filter(({ name }) => /\/\d+$/.test(name))
        return {
          spoken: [...new Set([first!.nextHopProtocol, ...mine.map(({ nextHopProtocol }) => nextHopProtocol)])],
          firstMs: first!.responseEnd - first!.fetchStart,
          allMs,
          eachMs: mine.map(({ duration }) => duration).sort((a, b) => a - b),
        }
      },
      [url, count] as const,
    )
    process.stdout.write(`${JSON.stringify({ version, ...line } satisfies Round)}\n`)
  } finally {
    await browser.close()
  }
}
