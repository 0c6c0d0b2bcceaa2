export { createEventHub, type EventHub, HUB_LIMITS } from './hub.ts'
