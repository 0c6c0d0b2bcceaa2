// What a benchmark is made of: cases give figures, a figure may have a goal. Types only.

import type { Plane } from './lib/plane.ts'
import type { Spread } from './lib/statistics.ts'

/** ratio: jobhook divided by what it is compared with. difference: jobhook minus it. value: jobhook's own figure. */
export interface Goal {
  of: 'ratio' | 'difference' | 'value'
  bound: 'at least' | 'at most'
  limit: number
}

export interface Figure {
  /** What was measured, within its case. */
  name: string
  unit: string
  jobhook: Spread
  /** The same measured of something else, in the same run; or a figure quoted from elsewhere. */
  reference: { name: string; spread: Spread } | null
  goal: Goal | null
  /** A condition that a reader needs to judge the figure. */
  note?: string
  /** A sentence for whoever reads that the goal was missed: what the same run says of the cause. */
  ifMissed?: string
}

export interface CaseResult {
  case: string
  title: string
  comparedWith: string
  figures: Figure[]
  /** ISO 8601. */
  measuredAt: string
  seconds: number
  /** The machine's load average over one minute when the case began: other work on the machine shows here. */
  loadBefore: number
  quick: boolean
}

export interface Context {
  /** How often each figure is measured. */
  runs: number
  quick: boolean
  /** A control plane in the wanted state, brought up on first use and shared between cases; empty when a case gets it. */
  plane(kind: PlaneKind): Promise<Plane>
  /** Progress, for a person. */
  say(text: string): void
  signal: AbortSignal
}

/** bare: etcd and kube-apiserver. full: Job controller, scheduler and kwok nodes too. stock: full, with the controller manager's own defaults. */
export type PlaneKind = 'bare' | 'full' | 'stock'

export interface Case {
  name: string
  title: string
  comparedWith: string
  /** Part of `npm run bench -- quick`; `only`: and of nothing else, because a longer case measures the same. */
  quick: boolean | 'only'
  run(context: Context): Promise<Figure[]>
}
