/** How a state looks: a sign for the eye, and the word. */
import type { Status } from '@svyaz/system/supervisor/lifecycle.ts'
import type { Style, Terminal } from './terminal.ts'

const looks: Readonly<Record<Status, { sign: string; word: string; style: Style }>> = {
  launching: { sign: '○', word: 'starting', style: 'dim' },
  starting: { sign: '◌', word: 'starting', style: 'cyan' },
  ready: { sign: '●', word: 'ready', style: 'green' },
  unready: { sign: '◐', word: 'not ready', style: 'yellow' },
  paused: { sign: '‖', word: 'paused', style: 'yellow' },
  stopping: { sign: '◌', word: 'stopping', style: 'dim' },
  stopped: { sign: '○', word: 'stopped', style: 'dim' },
  'backing-off': { sign: '✗', word: 'died, restarting', style: 'red' },
}

/** A process's state as a sign and a word, in its colour. */
export function paintStatus(status: Status, terminal: Terminal): string {
  const { sign, word, style } = looks[status]
  return terminal.paint(style, `${sign} ${word}`)
}
