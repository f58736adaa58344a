/** What a page of the console costs until it shows what it is for: requests, bytes over the line, time. */
import type { BrowserContext, Page } from 'playwright-core'

/** What came over the line, headers included. */
export interface Taken {
  readonly requests: number
  readonly bytes: number
}

export interface Load {
  /** The page itself: document, scripts, styles, pictures. */
  readonly files: Taken
  /** What it asked its server for meanwhile. */
  readonly answers: Taken
  /** From the beginning of the navigation to the frame in which it shows what it is for. */
  readonly usefulMs: number
}

declare global {
  var shownAtMs: number | undefined
}

/**
 * Opens a page of its own and waits for what it is for. What the browser already holds depends on the context: in a new
 * one it holds nothing.
 *
 * @param shows CSS; as in page-checks.ts
 */
export async function measureLoad(context: BrowserContext, url: string, shows: string): Promise<Load> {
  const page = await context.newPage()
  try {
    const taken = await takenBy(context, page)
    await page.addInitScript(watchFor, shows)
    await page.goto(url)
    await page.waitForFunction(() => globalThis.shownAtMs !== undefined)
    const usefulMs = await page.evaluate(() => globalThis.shownAtMs ?? 0)
    return { ...taken(), usefulMs: Math.round(usefulMs) }
  } finally {
    await page.close()
  }
}

/** Chromium's own count of what each request brought. A file that it held costs nothing, and isn't counted. */
async function takenBy(context: BrowserContext, page: Page): Promise<() => Pick<Load, 'files' | 'answers'>> {
  const line = await context.newCDPSession(page)
  await line.send('Network.enable')
  const kinds = new Map<string, string>()
  const bytes = new Map<string, number>()
  line.on('Network.responseReceived', ({ requestId, type }) => kinds.set(requestId, type))
  line.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => bytes.set(requestId, encodedDataLength))
  const sum = (isFile: boolean): Taken => {
    const own = [...bytes].filter(([id, size]) => size > 0 && /Fetch|XHR/.test(kinds.get(id) ?? '') !== isFile)
    return { requests: own.length, bytes: own.reduce((total, [, size]) => total + size, 0) }
  }
  return () => ({ files: sum(true), answers: sum(false) })
}

/** Runs in the page, from before its first script: a frame is painted at the latest when the one after it is asked for. */
function watchFor(shows: string): void {
  const painted = () => {
    globalThis.shownAtMs = performance.now()
  }
  const look = () => {
    if (document.querySelector(shows)?.checkVisibility() !== true) requestAnimationFrame(look)
    else requestAnimationFrame(() => requestAnimationFrame(painted))
  }
  requestAnimationFrame(look)
}
