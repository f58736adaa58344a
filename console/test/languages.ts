/** A page speaks the language that was chosen, all of it: its name, its texts, and what screen readers are told. */
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { ListedPage } from './page-list.ts'

export type Spoken = 'en' | 'ru'
export const spoken: readonly Spoken[] = ['en', 'ru']

const source = join(import.meta.dirname, '../web/src')

/** Of each language, the texts that a page in the other one must not have. */
export type Phrases = Readonly<Record<Spoken, readonly string[]>>

/** All texts of the page's own lists of words, by their language. */
export async function phrases(): Promise<Phrases> {
  const found: Record<Spoken, Set<string>> = { en: new Set(), ru: new Set() }
  for (const file of globSync('**/*words.ts', { cwd: source })) {
    const exported = (await import(join(source, file))) as Record<string, unknown>
    for (const words of Object.values(exported)) {
      if (typeof words !== 'object' || words === null || !('en' in words && 'ru' in words)) continue
      const [english, russian] = [leaves(words.en), leaves(words.ru)]
      // One word may be the same in both, or a name; several are a phrase.
      for (const [path, text] of english) if (text.includes(' ') && text !== russian.get(path)) found.en.add(text)
      for (const [path, text] of russian) if (text.includes(' ') && text !== english.get(path)) found.ru.add(text)
    }
  }
  return { en: [...found.en], ru: [...found.ru] }
}

/** Every text of a list of words, by its path. */
function leaves(value: unknown, path = ''): Map<string, string> {
  if (typeof value === 'string') return new Map([[path, value]])
  if (typeof value !== 'object' || value === null) return new Map()
  return new Map(Object.entries(value).flatMap(([name, inner]) => [...leaves(inner, `${path}.${name}`)]))
}

/** Chosen as the page itself keeps it; it holds from the next load on. */
export const choose = (page: Page, language: Spoken): Promise<void> =>
  page.evaluate((chosen) => localStorage.setItem('svyaz.language', chosen), language)

/** @param all see {@link phrases} */
export async function assertSpeaks(page: Page, language: Spoken, { title }: ListedPage, all: Phrases): Promise<void> {
  const found = await page.evaluate(textsOf)
  assert.equal(found.lang, language, page.url())
  assert.equal(found.title, `${title[language]} · Svyaz`)
  assert.equal(found.heading, title[language])
  assert.ok(found.texts.length > 20, `${found.texts.length} texts`)
  const broken = found.texts.filter((text) => /\bundefined\b|\bNaN\b|\[object /.test(text))
  assert.deepEqual(broken, [], `${page.url()}: a word is missing`)
  const others = new Set(all[language === 'en' ? 'ru' : 'en'])
  const foreign = found.texts.filter((text) => others.has(text) || (language === 'en' && /[а-яё]/i.test(text)))
  assert.deepEqual(foreign, [], `${page.url()}: not in ${language}`)
}

/** Runs in the page: what it says itself, without what it quotes: logs, records, code, and parts that say their language. */
function textsOf(): { lang: string; title: string; heading: string; texts: string[] } {
  const quoted = 'pre, code, textarea, .log, .panel-lines, .mails a, script, style, [lang]:not(html)'
  const texts: string[] = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.textContent?.trim() ?? ''
    if (text !== '' && node.parentElement?.closest(quoted) === null) texts.push(text)
  }
  for (const element of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
    if (element.closest(quoted) !== null) continue
    for (const name of ['aria-label', 'title', 'placeholder']) {
      const text = element.getAttribute(name)
      if (text !== null) texts.push(text)
    }
  }
  return {
    lang: document.documentElement.lang,
    title: document.title,
    heading: document.querySelector('h1')?.textContent ?? '',
    texts,
  }
}
