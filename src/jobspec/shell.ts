// The shell scripts that run in a task's Pod. POSIX sh only: they run in whatever image the task brings (dash, busybox, bash).
// None contains text of an assignment: that arrives as arguments ("$@") or by the environment.
import { TEARDOWN_NOTE } from '../model/pod-settings.ts'
import { COPY_TARGET, STATE } from './paths.ts'

/** Sets what the environment file assigns, if there is one. `variable` is the name of the variable with its path. */
function readEnvironment(variable: string): string {
  return `if [ -f "$${variable}" ]; then
  set -a
  . "$${variable}"
  set +a
fi`
}

/** Reads the environment file, then becomes the command given as arguments. */
export function entryScript(variable: string): string {
  return `${readEnvironment(variable)}
exec "$@"`
}

/**
 * Runs the command given from the second argument on, then the first argument as a shell command (the teardown), then ends with the
 * command's exit code. This is the only place that runs the teardown, so it runs once, whichever way the command came to its end:
 * by itself, or because preStopScript ended it. The command runs in the foreground (a background one would have SIGINT ignored and no
 * standard input); the shell notes SIGTERM and goes on, so it outlives the command. The file `pid` is there once the command runs, `ended`
 * once it has ended. What shells themselves say of a command ended by a signal is kept out of the task's log (descriptor 3 meanwhile).
 * The teardown gets `limitSeconds`, its exit code goes to the log and, after the task's own text, into the termination message.
 */
export function teardownScript(variable: string, limitSeconds: number, terminationMessagePath: string): string {
  return `trap : TERM
state=${STATE}
teardown=$1
shift
${readEnvironment(variable)}
{
  sh -c 'exec 2>&3 3>&-; echo $$ >"$0/pid"; [ ! -e "$0/stop" ] || exit 143; exec "$@"' "$state" "$@"
  status=$?
} 3>&2 2>/dev/null
: >"$state/ended"
export TASK_EXIT_CODE=$status
(
  waited=
  while [ "\${#waited}" -lt ${limitSeconds} ]; do sleep 1 || exit; waited=x$waited; done
  read -r pid <"$state/teardown" && kill -KILL "$pid"
) >/dev/null 2>&1 &
guard=$!
sh -c 'echo $$ >"$0/teardown"; exec sh -c "$1"' "$state" "$teardown"
code=$?
kill "$guard" 2>/dev/null
if [ "$code" -ne 0 ]; then
  echo "${TEARDOWN_NOTE}$code" >&2
  printf '\\n%s\\n' "${TEARDOWN_NOTE}$code" >>${quoted(terminationMessagePath)}
fi
exit "$status"`
}

/**
 * What Kubernetes runs when it stops the container: ends the command, so that teardownScript goes on to the teardown. A command that
 * does not end on SIGTERM within `waitSeconds` is killed, to leave the teardown its share of the grace period. Returns at once (the
 * waiting goes on in the background), so that the hook itself never counts as failed when the container ends first.
 * The mark is written before the pid is read, and the wrapper reads them the other way round: a stop that comes before the command has
 * started is not lost.
 * It must hold neither "$(" nor "$$": Kubernetes expands a container's command, but hands a hook's command over as it is.
 */
export function preStopScript(waitSeconds: number): string {
  return `state=${STATE}
: >"$state/stop"
{ read -r pid <"$state/pid"; } 2>/dev/null || exit 0
[ ! -e "$state/ended" ] || exit 0
kill -TERM "$pid" 2>/dev/null
(
  waited=
  while [ ! -e "$state/ended" ] && [ "\${#waited}" -lt ${waitSeconds} ]; do sleep 1 || exit; waited=x$waited; done
  [ -e "$state/ended" ] || kill -KILL "$pid"
) </dev/null >/dev/null 2>&1 &
exit 0`
}

/**
 * Copies the image's root file system into the volume at COPY_TARGET, entry by entry: the tar of minimal images has no --exclude, and a
 * pipe between two tars loses the first one's failure. cp without -p keeps neither owners nor set-id bits; links stay links.
 * Left out: what the node mounts (proc, sys, dev), the mark of a container, and mounted secrets. `root` and `target` are for tests.
 */
export function copyScript(root = '', target = COPY_TARGET): string {
  return `set -eu
root=${root}
target=${target}
copy() { # source folder, target folder, names to leave out between slashes
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    [ -e "$entry" ] || [ -L "$entry" ] || continue
    case "$3" in */"\${entry##*/}"/*) continue ;; esac
    cp -RP "$entry" "$2/"
  done
}
folder() { # path below /, names in it to leave out
  if [ -L "$root/$1" ]; then
    cp -RP "$root/$1" "$target/$1"
  elif [ -d "$root/$1" ]; then
    mkdir "$target/$1"
    copy "$root/$1" "$target/$1" "$2"
  fi
}
copy "$root" "$target" "/proc/sys/dev/.dockerenv${COPY_TARGET}/run/var/"
folder run /secrets/
folder var /run/
[ -L "$root/var" ] || folder var/run /secrets/`
}

/** As one word of the shell, whatever it holds. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
