// The command line's entry: runs the named command and turns its result into the exit code. Commands are in src/cli.
import { runCommandLine } from './cli/commands.ts'

const code = await runCommandLine(process.argv.slice(2))
// At once: Node, left to end by itself, can spin for ever over a request that was given up (Environment::CleanupHandles, seen with 26.10), and a Pod would only
// end by SIGKILL. Not where what was printed may still be on its way: writing to a pipe is synchronous everywhere but on Windows.
if (process.platform === 'win32') process.exitCode = code
else process.exit(code)
