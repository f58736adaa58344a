/** The pages of the provider: plain HTML, no script, one style sheet in the page that its policy names by hash. */
import { createHash } from 'node:crypto'
import { type Language, type Words, words } from './words.ts'

/** For text and attributes of HTML. */
export const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

// Contrast of every pair at least 4.5 : 1, of edges and focus 3 : 1 (WCAG 2.2, 1.4.3, 1.4.11).
const style = `
:root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --text: #16181d; --soft: #4b5262; --edge: #767d8c; --main: #1d4ed8; --on-main: #fff; --bad: #b42318 }
@media (prefers-color-scheme: dark) { :root { --back: #101216; --card: #1a1d23; --text: #eceef2; --soft: #b3bac8; --edge: #8a92a3; --main: #8ab4ff; --on-main: #0b1220; --bad: #ff9b91 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { width: min(26rem, 100vw - 2rem); margin: 1rem; padding: 2rem; background: var(--card); border: 1px solid var(--edge); border-radius: .75rem }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25 }
p, ul { margin: 0 0 1rem; color: var(--soft); overflow-wrap: anywhere }
label { display: block; margin: 0 0 1rem; font-weight: 600 }
input { display: block; width: 100%; min-height: 2.75rem; margin-top: .25rem; padding: .5rem .75rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--edge); border-radius: .5rem }
button { min-height: 2.75rem; margin: 0 .5rem .5rem 0; padding: .5rem 1.25rem; font: inherit; font-weight: 600; color: var(--text); background: transparent; border: 1px solid var(--edge); border-radius: .5rem; cursor: pointer }
button.main { color: var(--on-main); background: var(--main); border-color: var(--main) }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px }
.bad { color: var(--bad); font-weight: 600 }
`
const styleHash = createHash('sha256').update(style).digest('base64')

/**
 * What these pages may load and where their forms may lead. Browsers hold `form-action` against redirects after a form
 * too, so the client's own address has to be in it.
 */
export const pagePolicy = (leadsTo: readonly string[] = []): string =>
  [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    `form-action ${["'self'", ...leadsTo].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')

const page = (language: Language, title: string, body: string): string => `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} · Svyaz</title><style>${style}</style></head>
<body><main><h1>${title}</h1>
${body}
</main></body>
</html>
`

/** Where e-mail and password are asked for. `why` is what was wrong with the last ones. */
export const loginPage = (
  language: Language,
  { client, email = '', why }: { client: string; email?: string; why?: keyof Words | undefined },
): string => {
  const say = words[language]
  const fault = why === undefined ? '' : `<p class="bad" role="alert" id="why">${say[why] as string}</p>`
  const described = why === undefined ? '' : ' aria-describedby="why" aria-invalid="true"'
  const [atEmail, atPassword] = email === '' ? [' autofocus', ''] : ['', ' autofocus']
  return page(
    language,
    say.signIn,
    `<p>${say.goesTo} ${escaped(client)}</p>
${fault}<form method="post">
<label>${say.email}<input name="email" type="email" autocomplete="username" required maxlength="254" value="${escaped(email)}"${described}${atEmail}></label>
<label>${say.password}<input name="password" type="password" autocomplete="current-password" required maxlength="200"${described}${atPassword}></label>
<button class="main" name="action" value="sign-in">${say.signIn}</button>
<button name="action" value="cancel" formnovalidate>${say.cancel}</button>
</form>`,
  )
}

/** Where a user agrees to what a program of somebody else's asks for. */
export const consentPage = (language: Language, { client, scopes }: { client: string; scopes: readonly string[] }) => {
  const say = words[language]
  const wishes = [...scopes.flatMap((scope) => say.scopes[scope] ?? []), say.acts]
  return page(
    language,
    say.consent,
    `<p>${escaped(client)} ${say.wants}</p>
<ul>${wishes.map((wish) => `<li>${wish}</li>`).join('')}</ul>
<form method="post">
<button class="main" name="action" value="allow">${say.allow}</button>
<button name="action" value="cancel">${say.refuse}</button>
</form>`,
  )
}

/**
 * Where one signs out of the provider.
 *
 * @param form as the provider makes it: its address and its hidden fields
 * @param confirmed whether there is nothing left to ask
 */
export const signOutPage = (language: Language, form: string, { confirmed = false } = {}): string => {
  const say = words[language]
  const buttons = confirmed
    ? `<button class="main">${say.continue}</button>`
    : `<button class="main" name="logout" value="yes">${say.signOutButton}</button> <button>${say.stay}</button>`
  const text = confirmed ? '' : `<p>${say.signOutText}</p>`
  return page(language, confirmed ? say.continue : say.signOut, text + form.replace('</form>', `${buttons}</form>`))
}

/** At the end of signing out, when the client has not said where to go. */
export const signedOutPage = (language: Language): string =>
  page(language, words[language].signedOut, `<p>${words[language].signedOutText}</p>`)

/** For an error that can't be sent back to a client. */
export const errorPage = (
  language: Language,
  { error, description, why = 'errorText' }: { error: string; description?: string | undefined; why?: keyof Words },
): string => {
  const detail = description === undefined ? error : `${error}: ${description}`
  return page(language, words[language].error, `<p>${words[language][why] as string}</p><p>${escaped(detail)}</p>`)
}
