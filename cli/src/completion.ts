/** Completion scripts, made from the table of commands, the topology and the contracts. */
import { topics } from '@svyaz/contracts/index.ts'
import { deadLetterTopic } from '@svyaz/contracts/vocabulary.ts'
import { databaseOf, topology } from '@svyaz/system/topology'
import type { Command, Completes, Invocation } from './command.ts'
import { exitCodes, UsageError } from './errors.ts'

const makers: Readonly<Record<string, (commands: readonly Command[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

/**
 * `svyaz completion <shell>`: prints a script for the shell.
 * @returns the exit code
 */
export async function completion({ positionals, terminal }: Invocation, commands: readonly Command[]): Promise<number> {
  const [shell = ''] = positionals
  const make = makers[shell]
  if (!make) throw new UsageError(`there is completion for bash, zsh and fish, not "${shell}"`)
  terminal.print(make(commands))
  return exitCodes.ok
}

function wordsFor(kind: Completes): readonly string[] {
  const { processes } = topology
  const names = (wanted: (process: (typeof processes)[number]) => boolean) =>
    processes.filter(wanted).map((process) => process.name)
  switch (kind) {
    case 'processes':
      return names(() => true)
    case 'instances':
      return processes.flatMap(({ name, instances }) => [
        name,
        ...Array.from({ length: instances }, (_, at) => `${name}-${at + 1}`),
      ])
    case 'scales':
      return names((process) => process.scalable).map((name) => `${name}=`)
    case 'databases':
      return processes.flatMap((process) => databaseOf(process) ?? [])
    case 'settings':
      return names((process) => process.contract === 'kit')
    case 'topics':
      return topics.flatMap(({ name }) => [name, deadLetterTopic(name)])
    default:
      return kind
  }
}

/** Words by place: first those of the first positional, and so on; flags go with each. */
const placesOf = ({ completes = [] }: Command): (readonly string[])[] => completes.map(wordsFor)
const flagsOf = (command: Command): string[] => [...Object.keys(command.flags), 'help'].map((name) => `--${name}`)

/** `case` lines that choose the words by how many stand before: the last place holds for all behind it. */
function shellCases(command: Command, indent: string): string[] {
  const flags = flagsOf(command).join(' ')
  const places = placesOf(command)
  const line = (pattern: string, words: readonly string[]) =>
    `${indent}${pattern}) words="${[...words, flags].join(' ')}" ;;`
  if (places.length <= 1) return [line('*', places[0] ?? [])]
  return places.map((words, at) => line(at === places.length - 1 ? '*' : String(at + 1), words))
}

function bashScript(commands: readonly Command[]): string {
  const names = [...commands.map((command) => command.name), 'help'].join(' ')
  const cases = commands.flatMap((command) => [
    `    ${command.name})`,
    '      case "$place" in',
    ...shellCases(command, '        '),
    '      esac ;;',
  ])
  return `# bash completion for svyaz
_svyaz() {
  local words place=$((COMP_CWORD - 1)) current="\${COMP_WORDS[COMP_CWORD]}"
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="${names}" ;;
  esac
  [ "$COMP_CWORD" -le 1 ] && words="${names}"
  # "=" divides words for bash: what stands before it was completed already.
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} != *= ]] && COMPREPLY[0]+=" "
  return 0
}
complete -o nospace -F _svyaz svyaz`
}

function zshScript(commands: readonly Command[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''").replaceAll(':', '\\:')
  const list = commands.map((command) => `    '${quoted(command.name)}:${quoted(command.summary)}'`)
  const cases = commands.flatMap((command) => [
    `    ${command.name})`,
    '      case $place in',
    ...shellCases(command, '        '),
    '      esac ;;',
  ])
  return `#compdef svyaz
_svyaz() {
  local words place=$((CURRENT - 2)) name="\${words[2]}"
  local -a commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case $name in
${cases.join('\n')}
  esac
  # A service of \`scale\` ends in "=": no blank after it.
  if [[ $name == scale ]]; then compadd -S '' -- \${=words}; else compadd -- \${=words}; fi
}
# As a file of fpath this is the function's own body; evaluated, it has to be announced.
if [[ $funcstack[1] == _svyaz ]]; then _svyaz "$@"; else compdef _svyaz svyaz; fi`
}

function fishScript(commands: readonly Command[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const first = commands.map(
    ({ name, summary }) => `complete -c svyaz -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
  )
  const rest = commands.flatMap((command) => {
    const seen = `"__fish_seen_subcommand_from ${command.name}"`
    const words = placesOf(command).flat()
    return [
      ...(words.length > 0 ? [`complete -c svyaz -n ${seen} -f -a ${quoted(words.join(' '))}`] : []),
      ...Object.entries(command.flags).map(([name, flag]) => {
        const short = flag.short ? ` -s ${flag.short}` : ''
        return `complete -c svyaz -n ${seen} -l ${name}${short}${flag.type === 'string' ? ' -r' : ''} -d ${quoted(flag.about)}`
      }),
    ]
  })
  return ['# fish completion for svyaz', ...first, ...rest].join('\n')
}
