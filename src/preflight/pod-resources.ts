// What a Pod asks for, as quotas and limit ranges count it. Pure. Source: Kubernetes' defaulting, LimitRanger and quota evaluator.
import type { V1Container, V1PodSpec, V1ResourceRequirements } from '@kubernetes/client-node'
import type { LimitRange } from './limits.ts'
import { parseQuantity } from './quantity.ts'

/** Amounts by resource name, in cores, bytes or pieces. */
export type Amounts = ReadonlyMap<string, number>

export interface ContainerResources {
  name: string
  init: boolean
  /** A native sidecar: an init container that runs beside the others. */
  restarts: boolean
  requests: Amounts
  limits: Amounts
}

/** Each container's requests and limits after the API's defaulting (a limit stands for a missing request) and the limit ranges' defaults. */
export function containerResources(spec: V1PodSpec, limitRanges: readonly LimitRange[]): ContainerResources[] {
  const of = (container: V1Container, init: boolean): ContainerResources => {
    const limits = amounts(container.resources?.limits)
    const requests = new Map([...limits, ...amounts(container.resources?.requests)])
    for (const range of limitRanges.flatMap(({ spec: rangeSpec }) => rangeSpec?.limits ?? [])) {
      if (range.type !== 'Container') continue
      for (const [name, amount] of amounts(range.default)) if (!limits.has(name)) limits.set(name, amount)
      for (const [name, amount] of amounts(range.defaultRequest)) if (!requests.has(name)) requests.set(name, amount)
    }
    return { name: container.name, init, restarts: container.restartPolicy === 'Always', requests, limits }
  }
  return [
    ...(spec.initContainers ?? []).map((container) => of(container, true)),
    ...spec.containers.map((container) => of(container, false)),
  ]
}

/** The whole Pod: containers and native sidecars together, or the largest step of the start-up if that is more; and what it costs by its class. */
export function podTotal(containers: readonly ContainerResources[], kind: 'requests' | 'limits', spec: V1PodSpec): Map<string, number> {
  const running = new Map<string, number>()
  const starting = new Map<string, number>()
  const sidecars = new Map<string, number>()
  for (const container of containers) {
    for (const [name, amount] of container[kind]) {
      if (!container.init || container.restarts) running.set(name, (running.get(name) ?? 0) + amount)
      if (container.restarts) sidecars.set(name, (sidecars.get(name) ?? 0) + amount)
      // An init container runs beside the native sidecars started before it.
      else if (container.init) starting.set(name, Math.max(starting.get(name) ?? 0, amount + (sidecars.get(name) ?? 0)))
    }
  }
  const total = new Map(running)
  for (const [name, amount] of starting) total.set(name, Math.max(total.get(name) ?? 0, amount))
  for (const [name, amount] of amounts(podLevel(spec)?.[kind])) total.set(name, amount)
  for (const [name, amount] of amounts(spec.overhead)) if (total.has(name)) total.set(name, (total.get(name) ?? 0) + amount)
  return total
}

/** Requests and limits of the Pod as a whole (spec.resources), which stand for its containers'. */
export function podLevel(spec: V1PodSpec): V1ResourceRequirements | undefined {
  return spec.resources
}

function amounts(from: Readonly<Record<string, string | number>> | undefined): Map<string, number> {
  const result = new Map<string, number>()
  for (const [name, text] of Object.entries(from ?? {})) {
    const amount = parseQuantity(text)
    if (amount !== null) result.set(name, amount)
  }
  return result
}
