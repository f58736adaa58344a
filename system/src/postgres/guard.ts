/**
 * PostgreSQL must outlive Ctrl-C (the supervisor stops it last) and must not outlive the supervisor
 * (kill −9 included). Node can't promise the second for its children, so a few lines of sh stand
 * between them: the shell leads a session of its own, its standard input is a pipe held by the
 * supervisor, and the end of that pipe — closed on purpose or by the kernel — stops the server.
 */

/**
 * Prints the server's process id, then waits. At the end of standard input: SIGINT (fast shutdown: sessions
 * are cut, a checkpoint is written), after 5 s SIGQUIT (immediate; recovers from the log at the next start),
 * after 3 more SIGKILL. Exits with the server's status.
 *
 * The shell starts background commands with SIGINT and SIGQUIT ignored; the postmaster installs handlers of
 * its own for both, so they arrive.
 */
const script = `
exec 3<&0 0</dev/null
"$@" 3<&- >&2 &
server=$!
echo "$server"
exec 1>&2
wait_until_gone() {
  rounds=$1
  while [ "$rounds" -gt 0 ]; do
    kill -0 "$server" 2>/dev/null || return 0
    sleep 0.1
    rounds=$((rounds - 1))
  done
  return 1
}
(
  while read -r _ <&3; do :; done
  kill -INT "$server"
  wait_until_gone 50 && exit 0
  kill -QUIT "$server"
  wait_until_gone 30 && exit 0
  kill -KILL "$server"
) 2>/dev/null &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
`

/** The command that runs `command` under the guard. Its first line of output is the process id of `command`. */
export function guarded(command: readonly string[]): { file: string; args: string[] } {
  return { file: '/bin/sh', args: ['-c', script, 'svyaz-postgres-guard', ...command] }
}
