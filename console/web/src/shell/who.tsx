/** Who has signed in, and the way in and out. The tokens are with the page's server; here there is a name. */
import { useEffect, useState } from 'react'
import { csrfHeader, type SessionAnswer } from '../../../protocol.ts'
import { Icon } from './icons.tsx'
import { usePath } from './place.tsx'
import { usePreferences, useWords } from './preferences.ts'

const words = {
  en: { signIn: 'Sign in', signOut: 'Sign out' },
  ru: { signIn: 'Войти', signOut: 'Выйти' },
}

/** A link to sign in, or the name of who did and a button to sign out. */
export function Who() {
  const say = useWords(words)
  const { language } = usePreferences()
  const path = usePath()
  const [session, setSession] = useState<SessionAnswer>()
  useEffect(() => {
    const gone = new AbortController()
    fetch('/api/session', { signal: gone.signal })
      .then(async (response) => response.ok && setSession((await response.json()) as SessionAnswer))
      .catch(() => undefined)
    return () => gone.abort()
  }, [])
  if (session === undefined) return null
  const { operator, csrf } = session
  return (
    <div className="who">
      {operator === undefined ? (
        <a
          className="button quiet"
          title={say.signIn}
          href={`/api/sign-in?language=${language}&to=${encodeURIComponent(path)}`}
        >
          <Icon name="person" />
          <span className="text">{say.signIn}</span>
        </a>
      ) : (
        <button type="button" className="quiet" title={operator.email} onClick={() => void signOut(csrf)}>
          <Icon name="person" />
          <span className="text">
            {operator.name}: {say.signOut}
          </span>
        </button>
      )}
    </div>
  )
}

/** Here, then at the provider, which leads back here. */
async function signOut(csrf: string): Promise<void> {
  const response = await fetch('/api/sign-out', {
    method: 'POST',
    headers: { 'content-type': 'application/json', [csrfHeader]: csrf },
    body: '{}',
  })
  const { location: next = '/' } = response.ok ? ((await response.json()) as { location?: string }) : {}
  location.assign(next)
}
