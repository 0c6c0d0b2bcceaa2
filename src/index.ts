/**
 * The package's public face, for embedding the service in a program of one's own:
 *
 * ```ts
 * import { createApp, createLog, loadConfig, systemClock } from 'jobhook'
 *
 * const loaded = loadConfig({ file: 'jobhook.yaml', env: process.env })
 * if (!loaded.ok) throw new Error(loaded.problems.map(({ key, detail }) => `${key} ${detail}`).join('\n'))
 * const log = createLog({ level: 'info', workerId: loaded.config.worker_id })
 * const app = createApp(
 *   { clock: systemClock, log },
 *   { config: loaded.config, kubeconfig: { kind: 'default' }, identity: 'replica-1', insecure: false, env: process.env },
 * )
 * app.start()
 * await app.server.listen({ host: '127.0.0.1', port: 8080 }) // a Fastify instance: routes and hooks of your own go before this
 * // … and to end: app.beginDrain(), wait deadlines.drain_delay, await app.stop()
 * ```
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
