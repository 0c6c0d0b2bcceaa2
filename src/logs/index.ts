// Logs of tasks: the end of a failed one's for its report, and reading or following them by REST. Handed the cluster's functions; imports no stage.
export { createLogKeeper, KEEPER_LIMITS, type LogKeeper } from './keeper.ts'
export { createLogReader, type LogReader, READER_LIMITS } from './read.ts'
export { createFailureLog, type FailureLog, SLACK_BYTES, tailLinesFor } from './report.ts'
