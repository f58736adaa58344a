/** A proof or an experiment that is under way, whoever began it, and the button that ends it. */
import type { Examination } from '@svyaz/contracts/examination.ts'
import { useEffect, useState } from 'react'
import { live } from '../live/connection.ts'
import { clock } from './format.ts'
import { Icon } from './icons.tsx'
import { notify } from './notice.tsx'
import { usePreferences, useWords } from './preferences.ts'
import { underWayWords } from './under-way-words.ts'

interface UnderWayProps {
  readonly examination: Examination
  /** Called when it was asked to end. */
  readonly asked: () => void
}

/** Names what hinders another, since when, and in which process. */
export function UnderWay({ examination: { kind, of, since, pid, stopping = false }, asked }: UnderWayProps) {
  const words = useWords(underWayWords)
  const { language } = usePreferences()
  return (
    <section className="card under-way" data-examination={kind}>
      <p role="status">
        <span className="dot busy" /> {words.underWay[kind](of, clock(since, language))}
        {pid !== undefined && ` ${words.process(pid)}`} {words.hinders}
      </p>
      <EndButton stopping={stopping} asked={asked} />
    </section>
  )
}

interface EndButtonProps {
  /** It was asked to end already. */
  readonly stopping: boolean
  readonly asked: () => void
}

/** Once: a second time would end it before it has brought back what it broke. */
export function EndButton({ stopping, asked }: EndButtonProps) {
  const words = useWords(underWayWords)
  const [pressed, press] = useState(false)
  useEffect(() => {
    if (stopping) press(false)
  }, [stopping])
  const end = async () => {
    press(true)
    try {
      await live.endExamination()
    } catch (error) {
      press(false)
      notify(words.refused(error))
    }
    asked()
  }
  const isEnding = stopping || pressed
  return (
    <p>
      <button type="button" disabled={isEnding} aria-busy={isEnding} onClick={() => void end()}>
        <Icon name="stop" />
        {isEnding ? words.ending : words.end}
      </button>
    </p>
  )
}
