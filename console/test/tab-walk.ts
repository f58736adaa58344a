/**
 * A walk through a page by the Tab key alone, as somebody without a mouse goes: every control is reached, in the order of
 * the page, can be seen while it is focused, and lets one go on.
 */
import type { Page } from 'playwright-core'

/** More stops than any page has: a page that never ends is a trap. */
const stopsMax = 900

export interface Walk {
  readonly stops: number
  /** What was wrong, in sentences. */
  readonly faults: string[]
  /** Whether the control that was looked for was among the stops. */
  readonly found: boolean
}

/** What the page keeps of the walk. */
interface Underway {
  readonly expected: ReadonlySet<Element>
  readonly visited: Set<Element>
  readonly faults: string[]
  first?: Element
  last?: Element | undefined
  isStop(element: Element): boolean
}

declare global {
  var walk: Underway
}

/**
 * @param page as it was loaded: nothing on it has the focus
 * @param control CSS; what one comes for
 */
export async function walkByTab(page: Page, control: string | undefined): Promise<Walk> {
  await page.evaluate(begin)
  let goesOn = true
  for (let presses = 0; goesOn && presses < stopsMax; presses += 1) {
    await page.keyboard.press('Tab')
    goesOn = await page.evaluate(look)
  }
  const { stops, faults, found } = await page.evaluate(end, control)
  return { stops, faults: goesOn ? [...faults, `no end after ${stopsMax} presses`] : faults, found }
}

/** Runs in the page, like those below. A page that lives brings and takes controls: only those that stay are expected. */
function begin(): void {
  const isStop = (element: Element): boolean => {
    if (!(element instanceof HTMLElement) || element.tabIndex < 0 || element.matches(':disabled, [type=hidden]'))
      return false
    // Tab reaches one radio of a group; arrows reach the others.
    if (element instanceof HTMLInputElement && element.type === 'radio' && !element.checked)
      return document.querySelector(`input[type=radio][name="${CSS.escape(element.name)}"]:checked`) === null
    return element.closest('[inert]') === null && element.checkVisibility({ visibilityProperty: true })
  }
  const all = document.querySelectorAll('a[href], button, input, select, textarea, summary, iframe, [tabindex]')
  globalThis.walk = { expected: new Set([...all].filter(isStop)), visited: new Set(), faults: [], isStop }
}

/** Where the focus is now. @returns whether the walk goes on */
function look(): boolean {
  const { walk } = globalThis
  const focused = document.activeElement
  const name = (element: Element) => element.outerHTML.slice(0, 160)
  if (focused === null || focused === document.body) {
    // What had the focus is gone: the browser goes on from where it was. Otherwise this is the end of the page.
    const goesOn = walk.last !== undefined && !walk.last.isConnected
    walk.last = undefined
    return goesOn
  }
  if (focused === walk.last) {
    walk.faults.push(`holds the focus: ${name(focused)}`)
    return false
  }
  if (focused === walk.first) return false
  const isBehind = walk.last?.isConnected
    ? (walk.last.compareDocumentPosition(focused) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0
    : true
  if (!isBehind) walk.faults.push(`out of order: ${name(focused)}`)
  const isOutlined = (element: Element | null) => {
    if (element === null) return false
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) > 0
  }
  // A radio that a segment hides shows its focus on the segment beside it.
  if (!isOutlined(focused) && !isOutlined(focused.nextElementSibling))
    walk.faults.push(`focus can’t be seen: ${name(focused)}`)
  const { top, bottom, left, right } = focused.getBoundingClientRect()
  if (bottom < 0 || top > innerHeight || right < 0 || left > innerWidth)
    walk.faults.push(`focused out of the window: ${name(focused)}`)
  walk.first ??= focused
  walk.last = focused
  walk.visited.add(focused)
  return true
}

function end(control: string | undefined): Walk {
  const { expected, visited, faults, isStop } = globalThis.walk
  const missed = [...expected].filter((one) => one.isConnected && isStop(one) && !visited.has(one))
  return {
    stops: visited.size,
    faults: [...faults, ...missed.map((one) => `Tab doesn’t reach: ${one.outerHTML.slice(0, 160)}`)],
    found: control === undefined || [...visited].some((one) => one.matches(control)),
  }
}
