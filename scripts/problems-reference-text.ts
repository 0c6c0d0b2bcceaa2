// docs/problems.md from the problems table: what each `code` means and what to do about it.
import { PROBLEMS, type Problem } from '../src/model/problem.ts'

const INTRODUCTION = `# Problems

Generated from src/model/problem.ts by \`npm run docs\`; do not edit. A running service shows the same at /docs/problems, where \`type\` of every problem leads.

Every error is \`application/problem+json\` (RFC 9457): \`type\`, \`title\`, \`status\`, \`code\`, \`detail\`, \`instance\` and, where fields are wrong, \`errors\` with a JSON pointer and
a sentence each. \`code\` and \`title\` are stable, and programs decide by \`code\`; \`detail\` is for people and never holds a value of \`env_vars\` or a key.
\`instance\` is the request’s id, \`request_id\` in the log. 429 and 503 carry \`Retry-After\`, and after either a retry is safe: the same assignment never runs twice.
By the long poll and the socket the same codes come as the result’s reason.
`

export function problemsReference(): string {
  const sections = (Object.entries(PROBLEMS) as [string, Problem][]).map(
    ([code, { status, title, remedy, example }]) => `## ${code}\n\n**${status}** ${title}. ${remedy}\n\nFor example: “${example}”\n`,
  )
  return `${INTRODUCTION}\n${sections.join('\n')}`
}
