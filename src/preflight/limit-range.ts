// LimitRanges against a Pod: which bound it breaks. Pure. Source: Kubernetes' admission plugin LimitRanger.
import type { V1PodSpec } from '@kubernetes/client-node'
import type { LimitRange, LimitRangeItem } from './limits.ts'
import { type Amounts, containerResources, podTotal } from './pod-resources.ts'
import { formatQuantity, parseQuantity } from './quantity.ts'

export interface LimitConflict {
  /** Name of the LimitRange. */
  range: string
  detail: string
  /** Whether asking for more would help; asking for less, or saying anything at all, helps against the others. */
  tooLittle: boolean
}

interface Broken {
  detail: string
  tooLittle: boolean
}

export function limitRangeConflicts(spec: V1PodSpec, limitRanges: readonly LimitRange[]): LimitConflict[] {
  const containers = containerResources(spec, limitRanges)
  return limitRanges.flatMap((range) => {
    const name = range.metadata?.name ?? '?'
    return (range.spec?.limits ?? []).flatMap((item) => {
      if (item.type === 'Container') {
        return containers.flatMap((container) =>
          bounds(item, container.requests, container.limits).map(({ detail, tooLittle }) => ({
            range: name,
            detail: `container ${container.name}: ${detail}`,
            tooLittle,
          })),
        )
      }
      if (item.type !== 'Pod') return []
      return bounds(item, podTotal(containers, 'requests', spec), podTotal(containers, 'limits', spec)).map(({ detail, tooLittle }) => ({
        range: name,
        detail: `the Pod: ${detail}`,
        tooLittle,
      }))
    })
  })
}

function bounds(item: LimitRangeItem, requests: Amounts, limits: Amounts): Broken[] {
  const found: Broken[] = []
  const add = (detail: string, tooLittle = false): void => void found.push({ detail, tooLittle })
  for (const [resource, bound] of entries(item.min)) {
    const request = requests.get(resource)
    const limit = limits.get(resource)
    const least = `the least is ${formatQuantity(bound, resource)}`
    if (request === undefined) add(`requests no ${resource}, ${least}`)
    else if (request < bound) add(`requests ${formatQuantity(request, resource)} ${resource}, ${least}`, true)
    else if (limit !== undefined && limit < bound) add(`is limited to ${formatQuantity(limit, resource)} ${resource}, ${least}`, true)
  }
  for (const [resource, bound] of entries(item.max)) {
    const request = requests.get(resource)
    const limit = limits.get(resource)
    const most = `the most is ${formatQuantity(bound, resource)}`
    if (limit === undefined) add(`has no limit of ${resource}, ${most}`)
    else if (limit > bound) add(`is limited to ${formatQuantity(limit, resource)} ${resource}, ${most}`)
    else if (request !== undefined && request > bound) add(`requests ${formatQuantity(request, resource)} ${resource}, ${most}`)
  }
  for (const [resource, bound] of entries(item.maxLimitRequestRatio)) {
    const request = requests.get(resource) ?? 0
    const limit = limits.get(resource) ?? 0
    if (request === 0 || limit === 0) add(`needs a request and a limit of ${resource}: their ratio may be at most ${bound}`)
    else if (limit / request > bound)
      add(`has a limit of ${resource} of ${(limit / request).toFixed(1)} times its request, at most ${bound} are allowed`)
  }
  return found
}

function entries(from: Readonly<Record<string, string>> | undefined): [string, number][] {
  return Object.entries(from ?? {}).flatMap(([name, text]) => {
    const amount = parseQuantity(text)
    return amount === null ? [] : [[name, amount] as [string, number]]
  })
}
