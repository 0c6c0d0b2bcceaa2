// `serve --check`: what a configuration means, in sentences a person can hold against what they intended. Never a secret.
import { formatDuration } from './duration.ts'
import { entrances } from './meaning.ts'
import type { Config } from './schema.ts'
import { settingsOf } from './settings.ts'

export function explainConfig(config: Config): [name: string, meaning: string][] {
  const settings = settingsOf(config)
  const { deadlines, retentionSeconds } = settings
  const keep = (seconds: number | null): string => (seconds === null ? 'kept for ever' : `kept ${formatDuration(seconds)}`)
  return [
    ['worker', settings.workerId],
    [
      'listens on',
      `${config.listen}${settings.servingTls === null ? '' : ', with TLS'}${settings.servingTls?.clientCaFile ? ' and client certificates' : ''}`,
    ],
    [
      'cluster',
      config.cluster === 'embedded'
        ? 'embedded: tasks run as processes of this machine'
        : `kubernetes, namespace ${settings.namespace ?? '(the kubeconfig’s)'}`,
    ],
    ['profile', config.profile],
    ['ways in', entrances(config).join(', ') || 'open to anyone on this machine (--insecure)'],
    ['page', pageOf(config)],
    [
      'callbacks',
      config.callback.url === undefined
        ? config.socket
          ? 'none: verdicts go over the socket'
          : 'none: results are to be had by REST only'
        : `${config.callback.types.join(', ')} to ${new URL(config.callback.url).origin}`,
    ],
    [
      'image',
      settings.kubernetes.default_image ??
        (config.profile === 'oz' ? 'ubuntu:22.04 unless the assignment names one' : 'the assignment must name one'),
    ],
    ['at once', settings.maxConcurrentTasks === 0 ? 'no limit' : `${settings.maxConcurrentTasks} tasks, then ${config.limits.overflow}`],
    [
      'a task may',
      `wait ${formatDuration(deadlines.scheduleSeconds)} for a node, pull for ${formatDuration(deadlines.pullSeconds)}, run for ${formatDuration(deadlines.runSeconds)}`,
    ],
    [
      'then',
      `success ${keep(retentionSeconds.success)}, failure ${keep(retentionSeconds.failure)}, undeliverable ${keep(retentionSeconds.deadLetter)}`,
    ],
    [
      'finalizer',
      config.job_finalizer
        ? 'on: a Job stays until its report is acknowledged'
        : 'off: a Job deleted while every replica is down is not reported',
    ],
  ]
}

function pageOf(config: Config): string {
  if (!config.ui.enabled) return 'off (ui.enabled)'
  return config.api.tokens.length > 0
    ? `/ui, for who has a token; a login lasts ${formatDuration(settingsOf(config).uiSessionMs / 1000)}`
    : 'none without a token in api.tokens (or --insecure)'
}
