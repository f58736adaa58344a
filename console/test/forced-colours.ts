/** In the person's own few colours: what can be operated can still be seen, and axe finds no fault. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { axeFaults } from './accessible.ts'

/** Of what one operates to what is behind it (WCAG 2.2, 1.4.11). */
const contrastMin = 3

/** Leaves the page in colours of its own, light. */
export async function assertForcedColours(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ forcedColors: 'active', colorScheme, reducedMotion: 'reduce' })
    const { looked, unseen } = await page.evaluate(unseenControls, contrastMin)
    assert.ok(looked > 20, `${looked} controls: the frame alone has more`)
    assert.deepEqual(unseen, [], `${page.url()}: ${colorScheme}`)
    assert.deepEqual(await axeFaults(page), [], `${page.url()}: forced colours, ${colorScheme}`)
  }
  await page.emulateMedia({ forcedColors: null, colorScheme: 'light', reducedMotion: null })
}

/** Runs in the page. A control is seen by its text, its sign, its border, its ground, or because the browser draws it. */
function unseenControls(contrastMin: number): { looked: number; unseen: string[] } {
  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const known = new Map<string, readonly number[]>()
  /** Whatever way a colour is written in. */
  const rgbaOf = (colour: string): readonly number[] => {
    const found = known.get(colour)
    if (found !== undefined || paint === null) return found ?? []
    paint.clearRect(0, 0, 1, 1)
    paint.fillStyle = 'transparent'
    paint.fillStyle = colour
    paint.fillRect(0, 0, 1, 1)
    const read = [...paint.getImageData(0, 0, 1, 1).data]
    known.set(colour, read)
    return read
  }
  const isThere = (rgba: readonly number[]) => (rgba[3] ?? 0) > 128
  const luminance = (rgba: readonly number[]) => {
    const [r = 0, g = 0, b = 0] = rgba.map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    )
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const differs = (one: readonly number[], other: readonly number[]) => {
    const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
    return (high + 0.05) / (low + 0.05) >= contrastMin
  }
  const ground = (element: Element | null): readonly number[] => {
    if (element === null) return rgbaOf('Canvas')
    const own = rgbaOf(getComputedStyle(element).backgroundColor)
    return isThere(own) ? own : ground(element.parentElement)
  }
  const isSeen = (part: Element): boolean => {
    const style = getComputedStyle(part)
    const on = (colour: string, behind: readonly number[]) => isThere(rgbaOf(colour)) && differs(rgbaOf(colour), behind)
    if (part instanceof SVGElement) return on(style.stroke, ground(part)) || on(style.fill, ground(part))
    const hasText = [...part.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim() !== '')
    if (hasText && on(style.color, ground(part))) return true
    if (part.matches('input, select, textarea, iframe') && style.appearance !== 'none') return true
    const outside = ground(part.parentElement)
    const hasBorder = Number.parseFloat(style.borderBottomWidth) > 0 && style.borderBottomStyle !== 'none'
    return (hasBorder && on(style.borderBottomColor, outside)) || differs(ground(part), outside)
  }
  const controls = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter((control) => !control.matches(':disabled, [type=hidden]'))
    .filter((control) => control.checkVisibility({ visibilityProperty: true }))
    // A radio that a segment hides is seen by its segment.
    .map((control) => (getComputedStyle(control).opacity === '0' ? (control.closest('label') ?? control) : control))
  const unseen = controls.filter((control) => ![control, ...control.querySelectorAll('*')].some(isSeen))
  return { looked: controls.length, unseen: unseen.map((control) => control.outerHTML.slice(0, 200)) }
}
