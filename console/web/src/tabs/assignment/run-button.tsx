/** Runs a proof. One that stops or reconfigures something is asked for twice. */
import { Icon } from '../../shell/icons.tsx'
import { useWords } from '../../shell/preferences.ts'
import { Twice } from '../../shell/twice.tsx'
import { assignmentWords } from './words.ts'

export interface RunProps {
  readonly canRun: boolean
  /** What is being proven. */
  readonly running: string | undefined
  readonly run: (row: string) => Promise<void>
}

interface ButtonProps extends RunProps {
  /** A row or a section. */
  readonly row: string
  readonly text: string
  readonly disturbs: boolean
}

/** One at a time: while a proof runs no other can be begun. */
export function RunButton({ row, text, disturbs, canRun, running, run }: ButtonProps) {
  const words = useWords(assignmentWords)
  const disabled = !canRun || running !== undefined
  if (disturbs) return <Twice icon="start" text={text} really={words.really} disabled={disabled} act={() => run(row)} />
  return (
    <button type="button" disabled={disabled} aria-busy={running === row} onClick={() => void run(row)}>
      <Icon name="start" />
      {text}
    </button>
  )
}
