/** The map of shortcuts, and the switch for those who want none. */
import { Icon } from './icons.tsx'
import { closeOverlay } from './overlay.ts'
import { chooseShortcuts, usePreferences, useWords } from './preferences.ts'
import type { Tab } from './tab.ts'
import { shellWords } from './words.ts'

/** Every key that the page listens to. */
export default function KeysSheet({ tabs }: { tabs: readonly Tab[] }) {
  const words = useWords(shellWords)
  const { language, shortcuts } = usePreferences()
  return (
    <>
      <header>
        <h2>{words.keys}</h2>
        <button type="button" className="quiet square" onClick={closeOverlay} aria-label={words.close}>
          <Icon name="close" />
        </button>
      </header>
      <dl className="key-list">
        <div>
          <dt>
            <kbd>Ctrl</kbd> <kbd>K</kbd> {words.or} <kbd>/</kbd>
          </dt>
          <dd>{words.overlays.palette}</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>{words.overlays.keys}</dd>
        </div>
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>{words.closes}</dd>
        </div>
        <div>
          <dt>
            <kbd>{words.space}</kbd> <kbd>←</kbd> <kbd>→</kbd>
          </dt>
          <dd>{words.replays}</dd>
        </div>
        {tabs.map((tab) => (
          <div key={tab.path}>
            <dt>
              <kbd>G</kbd> <kbd>{tab.letter.toUpperCase()}</kbd>
            </dt>
            <dd>{tab.title[language]}</dd>
          </div>
        ))}
      </dl>
      <label className="check">
        <input
          type="checkbox"
          checked={shortcuts === 'on'}
          onChange={({ target }) => chooseShortcuts(target.checked ? 'on' : 'off')}
        />
        {words.singleKeys}
      </label>
    </>
  )
}
