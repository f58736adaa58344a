/** What starts and how far it is: redrawn on a terminal, a line per change elsewhere, JSON for programs. */

import { lastLines } from '@svyaz/system/supervisor/log-reader.ts'
import type { InstanceView, Supervisor, SupervisorEvent } from '@svyaz/system/supervisor/supervisor.ts'
import { plain } from './late.ts'
import { paintStatus } from './status.ts'
import { type Terminal, table } from './terminal.ts'

export interface Progress {
  /** Everything is ready: from now on only what is worth a line. */
  ready(): void
  stop(): void
}

const redrawMs = 80
/** Lines of a dead process's log that explain its death. */
const lastWords = 3

/** Shows the start as it goes, a line for each process, until everything is ready or has failed. */
export function showProgress(
  supervisor: Supervisor,
  terminal: Terminal,
  options: { json: boolean; startedMs: number },
): Progress {
  const since = new Map<string, number>()
  /** What can't be said while the list is drawn. */
  const held: string[] = []
  let stopping = false
  let drawing = terminal.live && !options.json
  const seconds = () => `${((performance.now() - options.startedMs) / 1000).toFixed(1)} s`

  const draw = () => terminal.redraw(table(supervisor.views().map((view) => row(view, since.get(view.name), terminal))))
  const timer = drawing ? setInterval(draw, redrawMs) : undefined
  const finish = () => {
    if (drawing) draw()
    drawing = false
    clearInterval(timer)
    for (const line of held.splice(0)) terminal.print(line)
  }

  const unlisten = supervisor.listen((event) => {
    if (options.json) return terminal.json(event)
    if (event.type === 'instance' && event.instance.status === 'ready') {
      since.set(event.instance.name, performance.now() - options.startedMs)
    }
    if (event.type === 'stopping') {
      finish()
      stopping = true
    }
    // All are asked to stop, in order: when each has is worth a line, that it was asked is not.
    if (stopping && event.type === 'instance' && event.instance.status === 'stopping') return
    const text = drawing && event.type !== 'note' ? undefined : sentence(event, terminal)
    if (!text) return
    const line = `${terminal.paint('dim', seconds().padStart(7))}  ${text}`
    if (drawing) held.push(line)
    else terminal.print(line)
  })
  return {
    ready: finish,
    stop: () => {
      finish()
      unlisten()
    },
  }
}

function row(view: InstanceView, readyMs: number | undefined, terminal: Terminal): string[] {
  const time = view.status === 'ready' && readyMs !== undefined ? `${(readyMs / 1000).toFixed(1)} s` : ''
  const words = view.status === 'backing-off' ? lastLines(view.log, 1).map(plain).join('') : ''
  return [
    `  ${view.name}`,
    paintStatus(view.status, terminal),
    terminal.paint('dim', time || words.slice(0, terminal.columns - 48)),
  ]
}

function sentence(event: SupervisorEvent, terminal: Terminal): string | undefined {
  switch (event.type) {
    case 'note':
      return event.text
    case 'stopping':
      return 'stopping everything in order …'
    case 'removed':
      return `${event.name} is gone`
    case 'instance': {
      const { name, status, log, lastExit } = event.instance
      if (status === 'launching' || status === 'starting') return undefined
      const line = `${name}  ${paintStatus(status, terminal)}`
      if (status !== 'backing-off') return line
      const how = lastExit?.signal ?? (lastExit?.code == null ? 'did not start' : `exit code ${lastExit.code}`)
      return [
        `${line} (${how})`,
        ...lastLines(log, lastWords).map((said) => `           ${terminal.paint('dim', plain(said))}`),
      ].join('\n')
    }
  }
}
