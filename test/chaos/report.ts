// A chaos run in words: the summary, and on a violation the whole timeline of its task. Text only.
import { keyOf, type Violation } from './checker.ts'
import type { Callback, History } from './history.ts'

export function summaryOf(history: History, faults: ReadonlyMap<string, number>): string {
  const verdicts = history.callbacks.filter((callback) => callback.type !== 'task_started')
  const statuses = countBy(history.deliveries.map(({ status }) => String(status ?? 'no answer')))
  const total = [...faults.values()].reduce((sum, count) => sum + count, 0)
  return [
    `seed ${history.seed}: ${history.intents.length} executions (${listed(countBy(history.intents.map(({ scenario }) => scenario)))})`,
    `deliveries ${history.deliveries.length} (${listed(statuses)})`,
    `verdicts sent ${verdicts.length}, task_started sent ${history.callbacks.length - verdicts.length}`,
    `faults ${total} (${listed(faults)})`,
    `incidents ${history.incidents.length} (${listed(countBy(history.incidents.map(({ what }) => what.replace(/ r\d.*/, ''))))})`,
    `Secrets without a Job, for the sweeper: ${history.leftovers.orphanSecrets.length}`,
  ].join('\n')
}

export function violationsText(history: History, violations: Violation[]): string {
  const tasks = new Set(violations.flatMap(({ task }) => (task === null ? [] : [task])))
  return [
    ...violations.map(({ promise, task, detail }) => `VIOLATION (${promise})${task === null ? '' : ` ${task}`}: ${detail}`),
    ...[...tasks].map((task) => `\n${timelineOf(history, task)}`),
    `\nTo run it again: npm run chaos -- --seed ${history.seed}`,
  ].join('\n')
}

/** Everything known of one execution, in order of time; with the incidents, which concern every task. */
export function timelineOf(history: History, key: string): string {
  const jobUids = new Set(history.events.filter((event) => keyOf(event) === key).map((event) => event.uid))
  const taskId = history.intents.find((intent) => keyOf(intent) === key)?.taskId ?? key
  const logged = history.texts.flatMap(({ source, text }) =>
    text
      .split('\n')
      .filter((line) => line.includes(taskId) && timeOf(line) > 0)
      .map((line) => ({ atMs: timeOf(line), what: `${source} logs ${line}` })),
  )
  const entries = [
    ...history.deliveries
      .filter((delivery) => keyOf(delivery) === key)
      .flatMap((delivery) => {
        const { what, content, replica, atMs, answeredMs, status } = delivery
        return [
          { atMs, what: `${what} (${content}) sent to ${replica}` },
          { atMs: answeredMs, what: `${what} (${content}) answered by ${replica}: ${status ?? 'nothing'}` },
        ]
      }),
    ...history.callbacks.filter((callback) => keyOf(callback) === key).map((callback) => ({ atMs: callback.atMs, what: said(callback) })),
    ...history.events
      .filter((event) => keyOf(event) === key || jobUids.has(event.jobUid))
      .map((event) => ({ atMs: event.atMs, what: `API ${event.type} ${event.resource} ${event.name} ${event.state}` })),
    ...history.incidents,
    ...logged,
  ].sort((a, b) => a.atMs - b.atMs)
  return [`timeline of ${key}`, ...entries.map(({ atMs, what }) => `  ${new Date(atMs).toISOString().slice(11, 23)} ${what}`)].join('\n')
}

function said({ type, id, replica, fault, answered, body, alivePods }: Callback): string {
  const alive = alivePods.length > 0 ? ` WHILE ${alivePods.join(', ')}` : ''
  return `${replica} sends ${type} ${id} (fault: ${fault}; answered: ${answered ?? 'nothing'})${alive} ${body.slice(0, 600)}`
}

function timeOf(line: string): number {
  return Date.parse(/\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(line)?.[0] ?? '') || 0
}

function countBy(words: string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, count]) => `${word} ${count}`)
    .join(', ')
}
