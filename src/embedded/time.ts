/** Timestamps as Kubernetes writes them: whole seconds. (Leases carry microseconds, but only their holders write those.) */

/** RFC 3339 in whole seconds, as metav1.Time. Rounds down, like the real one. */
export function timestamp(ms: number = Date.now()): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`
}

export function parseTime(text: string | undefined): number {
  return text === undefined ? Number.NaN : Date.parse(text)
}
