import { spawn } from 'node:child_process'

/** Ends the children of this process when this process is gone, however it died. */
export interface Guard {
  /** Takes a child into care. */
  add(pid: number, signal: StopSignal): void
  /** The child ended by itself. */
  remove(pid: number): void
  /** Every child has ended: there is nothing left to guard. */
  dismiss(): void
}

/** Signals that ask a server to stop in an orderly way. */
export type StopSignal = 'SIGTERM' | 'SIGINT'

// A shell that reads from our pipe. The end of the file means that this process is gone, even after
// kill -9, when no handler of ours could run. Only POSIX sh, so that it runs everywhere.
const script = `
pids=
while read -r operation signal pid; do
  case "$operation" in
    add) pids="$pids $signal:$pid" ;;
    del) kept=; for x in $pids; do [ "\${x##*:}" = "$pid" ] || kept="$kept $x"; done; pids=$kept ;;
    bye) exit 0 ;;
  esac
done
for x in $pids; do kill -"\${x%%:*}" "\${x##*:}" 2>/dev/null; done
i=0
while [ $i -lt 100 ]; do
  alive=
  for x in $pids; do kill -0 "\${x##*:}" 2>/dev/null && alive=1; done
  [ -z "$alive" ] && exit 0
  sleep 0.1
  i=$((i + 1))
done
for x in $pids; do kill -KILL "\${x##*:}" 2>/dev/null; done
`

/** Starts the guard: one shell, detached, so that a terminal's Ctrl-C does not reach it. */
export function startGuard(): Guard {
  const shell = spawn('/bin/sh', ['-c', script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Somebody may kill the guard: the launcher then goes on without one.
  shell.on('error', () => undefined)
  shell.stdin.on('error', () => undefined)
  shell.unref()
  return {
    add: (pid, signal) => shell.stdin.write(`add ${signal.slice('SIG'.length)} ${pid}\n`),
    remove: pid => shell.stdin.write(`del - ${pid}\n`),
    dismiss: () => shell.stdin.end('bye\n'),
  }
}
