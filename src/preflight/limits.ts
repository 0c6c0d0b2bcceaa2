// ResourceQuota and LimitRange as the API sends them, as far as they are read here (client-node's types rename `default`). Types only.

type Quantities = Readonly<Record<string, string>>

export interface LimitRangeItem {
  type: string
  min?: Quantities
  max?: Quantities
  default?: Quantities
  defaultRequest?: Quantities
  maxLimitRequestRatio?: Quantities
}

export interface LimitRange {
  metadata?: { name?: string }
  spec?: { limits?: LimitRangeItem[] }
}

export interface ResourceQuota {
  metadata?: { name?: string }
  spec?: {
    hard?: Quantities
    scopes?: string[]
    scopeSelector?: { matchExpressions?: { scopeName: string; operator: string; values?: string[] }[] }
  }
  status?: { hard?: Quantities; used?: Quantities }
}
