// Kubernetes quantities as numbers, for comparing only: 500m → 0.5, 2Gi → 2147483648. Source: resource.Quantity.

const UNITS: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** null when it is no quantity. */
export function parseQuantity(text: string | number | undefined): number | null {
  const match = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/.exec(String(text ?? ''))
  if (!match) return null
  return Number(`${match[1]}${match[2] ?? ''}`) * (UNITS[match[3] ?? ''] ?? 1)
}

/** For people, without losing much: cores in thousandths, bytes in the largest binary unit that leaves a short number. */
export function formatQuantity(value: number, resource: string): string {
  if (/memory|storage|hugepages/.test(resource)) {
    for (const unit of ['Ti', 'Gi', 'Mi', 'Ki'] as const) {
      const size = UNITS[unit] ?? 1
      if (value >= size && Number.isInteger((value / size) * 100)) return `${value / size}${unit}`
    }
    return String(value)
  }
  return Number.isInteger(value) ? String(value) : `${Math.round(value * 1000)}m`
}
