// The command line's entry: runs the named command and turns its result into the exit code. Commands are in src/cli.
import { runCommandLine } from './cli/commands.ts'

process.exitCode = await runCommandLine(process.argv.slice(2))
