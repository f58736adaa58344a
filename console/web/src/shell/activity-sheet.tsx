/** What people asked of the system from pages like this one: who, when, and what came of it. */
import { useLive } from '../live/use-live.ts'
import { clock } from './format.ts'
import { Icon } from './icons.tsx'
import { closeOverlay } from './overlay.ts'
import { usePreferences, useWords } from './preferences.ts'
import { shellWords } from './words.ts'

/** The activity log, newest first. */
export default function ActivitySheet() {
  const words = useWords(shellWords)
  const { language } = usePreferences()
  const activity = useLive((state) => state.activity)
  return (
    <>
      <header>
        <h2>{words.overlays.activity}</h2>
        <button type="button" className="quiet square" onClick={closeOverlay} aria-label={words.close}>
          <Icon name="close" />
        </button>
      </header>
      {activity.length === 0 ? (
        <p className="hint">{words.noActivity}</p>
      ) : (
        <ol className="activity-list">
          {activity.map(({ id, at, who, action, target, detail, refused }) => (
            <li key={id}>
              <time dateTime={at}>{clock(at, language)}</time>
              <span className={`dot ${refused === undefined ? 'good' : 'bad'}`} />
              <span>
                <b>{target}</b> {words.activities[action] ?? action}
                {detail !== undefined && ` ${detail}`}
                {refused !== undefined && ` · ${words.refusedActivity}: ${refused}`}
              </span>
              <span className="hint">{who === '' ? words.nobody : who}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  )
}
