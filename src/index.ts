/**
 * The package's public face, for embedding the service in a program of one's own; docs/embedding.md has a whole one. In short: `createApp`, routes of
 * your own on `app.server`, `app.start()`, `app.server.listen(…)`; to end, `app.beginDrain()`, some seconds, `await app.stop()`.
 *
 * Signing and verifying (Standard Webhooks) are here too, for control planes written for Node.js. What is not exported here may change at any time.
 */
export { loadCheckedConfig } from './app/checked-config.ts'
export { type AppOptions, createApp, type JobhookApp } from './app.ts'
export { type Config, type ConfigProblem, ConfigSchema, type ConfigSources, type LoadedConfig, loadConfig } from './config/index.ts'
export { type Clock, systemClock } from './lib/clock.ts'
export { createLog, type Logger } from './lib/log.ts'
export {
  createSigner,
  createVerifier,
  generateKeyPair,
  generateSecret,
  type Signer,
  type Verification,
  type Verifier,
  type WebhookHeaders,
} from './lib/standard-webhooks.ts'
export type { Assignment } from './model/assignment.ts'
export type { CallbackType } from './model/callback.ts'
export { VERSION } from './version.ts'
