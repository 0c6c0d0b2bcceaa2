// The callback stage's public face.
export { createDeliverer, type Deliverer } from './deliver.ts'
export { callbackUrlProblem } from './egress.ts'
export { createLanes } from './lanes.ts'
export { createMessageBuilder, messageId } from './messages.ts'
export { DEFAULT_SCHEDULE_SECONDS, nextAttemptAtMs } from './schedule.ts'
export { createTransport, proxyOfEnvironment } from './transport.ts'
