/** Completion scripts, made from the table of commands and the topology. */
import { topology } from '../../topology.ts'
import type { Command, Invocation } from './command.ts'
import { exitCodes, UsageError } from './errors.ts'

export async function completion({ positionals, terminal }: Invocation, commands: readonly Command[]): Promise<number> {
  const [shell] = positionals
  if (shell !== 'bash' && shell !== 'zsh') throw new UsageError(`there is completion for bash and zsh, not "${shell}"`)
  terminal.print(shell === 'bash' ? bashScript(commands) : zshScript(commands))
  return exitCodes.ok
}

/** The words that may follow a command. */
function wordsOf(command: Command): string[] {
  const flags = [...Object.keys(command.flags), 'help'].map((name) => `--${name}`)
  return [...targetsOf(command), ...flags]
}

function targetsOf(command: Command): readonly string[] {
  const { processes } = topology
  if (command.completes === 'services') return processes.filter((row) => row.scalable).map((row) => `${row.name}=`)
  if (command.completes === 'instances') {
    const instances = processes.flatMap(({ name, instances }) =>
      Array.from({ length: instances }, (_, at) => `${name}-${at + 1}`),
    )
    return [...processes.map((row) => row.name), ...instances]
  }
  return command.completes ?? []
}

function bashScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => `    ${command.name}) words="${wordsOf(command).join(' ')}" ;;`)
  return `# bash completion for svyaz
_svyaz() {
  local words
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="${commands.map((command) => command.name).join(' ')} help" ;;
  esac
  [ "$COMP_CWORD" -le 1 ] && words="${commands.map((command) => command.name).join(' ')} help"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o nospace -F _svyaz_spaced svyaz
# A service of \`scale\` ends in "=": no blank after it.
_svyaz_spaced() {
  _svyaz
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} != *= ]] && COMPREPLY[0]+=" "
}`
}

function zshScript(commands: readonly Command[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll(':', '\\:')
  const list = commands.map((command) => `    '${quoted(command.name)}:${quoted(command.summary)}'`)
  const cases = commands.map((command) => `    ${command.name}) compadd -- ${wordsOf(command).join(' ')} ;;`)
  return `#compdef svyaz
_svyaz() {
  local -a commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case "$words[2]" in
${cases.join('\n')}
  esac
}
compdef _svyaz svyaz`
}
