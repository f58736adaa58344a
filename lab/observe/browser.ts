/** As much of a browser as signing in takes: cookies by path, redirects one by one, forms. */
import assert from 'node:assert/strict'

interface Cookie {
  name: string
  value: string
  path: string
}

export interface Page {
  url: URL
  status: number
  headers: Headers
  text: string
}

export class Browser {
  readonly #cookies = new Map<string, Cookie>()
  readonly #language: string

  constructor(language = 'en') {
    this.#language = language
  }

  cookieNames(): string[] {
    return [...this.#cookies.values()].map(({ name }) => name)
  }

  /** What it would send there in the field `cookie`. */
  cookiesFor(url: URL | string): string {
    const { pathname } = new URL(url)
    return [...this.#cookies.values()]
      .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  /** One request; a redirect is an answer like any other. */
  async ask(url: URL | string, form?: Record<string, string>): Promise<Page> {
    const at = new URL(url)
    const cookie = this.cookiesFor(at)
    const response = await fetch(at, {
      redirect: 'manual',
      headers: { accept: 'text/html', 'accept-language': this.#language, cookie },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const line of response.headers.getSetCookie()) this.#keep(line, at)
    return { url: at, status: response.status, headers: response.headers, text: await response.text() }
  }

  /** Follows redirects until a page, or until one leads to `until`, which is not asked. */
  async follow(page: Page, until: string): Promise<Page> {
    let here = page
    for (let hops = 0; hops < 10; hops++) {
      const location = here.headers.get('location')
      if (here.status < 300 || here.status >= 400 || location === null) return here
      const next = new URL(location, here.url)
      if (next.href.startsWith(until)) return { ...here, url: next }
      here = await this.ask(next)
    }
    throw new Error('redirected without end')
  }

  /** Sends the form of a page, with its hidden fields and what was filled in. */
  submit(page: Page, fields: Record<string, string>): Promise<Page> {
    const form = /<form[^>]*>[\s\S]*<\/form>/.exec(page.text)?.[0]
    assert.ok(form, `no form: ${page.status} ${page.text.slice(0, 300)}`)
    const action = /<form[^>]* action="([^"]*)"/.exec(form)?.[1]?.replaceAll('&amp;', '&')
    const hidden = [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
    const all = { ...Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value])), ...fields }
    return this.ask(new URL(action ?? page.url.href, page.url), all)
  }

  #keep(line: string, at: URL): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const cut = pair.indexOf('=')
    const [name, value] = [pair.slice(0, cut), pair.slice(cut + 1)]
    const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? at.pathname
    if (/svyaz/.test(name))
      for (const wanted of [/^httponly$/i, /^samesite=(lax|strict)$/i])
        assert.ok(
          attributes.some((part) => wanted.test(part)),
          line,
        )
    if (value === '' || attributes.some((part) => /^expires=Thu, 01 Jan 1970/i.test(part)))
      this.#cookies.delete(`${name} ${path}`)
    else this.#cookies.set(`${name} ${path}`, { name, value, path })
  }
}
