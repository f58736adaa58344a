/** What is shown in place of a tab that failed: the rest of the page lives on. */
import { Component, type ReactNode, useEffect } from 'react'
import { reloadIfNewer } from './build.ts'
import { useWords } from './preferences.ts'
import { shellWords } from './words.ts'

/** Catches what is thrown while a tab loads or draws. Give it a key, so that another tab starts afresh. */
export class Guarded extends Component<{ readonly children: ReactNode }, { readonly failed: boolean }> {
  override readonly state = { failed: false }

  static getDerivedStateFromError(): { readonly failed: boolean } {
    return { failed: true }
  }

  override render(): ReactNode {
    return this.state.failed ? <Failed /> : this.props.children
  }
}

/** A browser may remember that a part of a page failed, so that only loading the whole page tries it again. */
function Failed() {
  const words = useWords(shellWords)
  useEffect(() => {
    void reloadIfNewer()
  }, [])
  return (
    <section className="card aside" role="alert">
      <h2>{words.failed}</h2>
      <p>{words.failedHint}</p>
      <p>
        <button type="button" className="main" onClick={() => location.reload()}>
          {words.reload}
        </button>
      </p>
    </section>
  )
}
