// An assignment and settings with what the manifest must say.
import type { JobSpecOptions } from '../../../src/jobspec/index.ts'
import type { Assignment } from '../../../src/model/assignment.ts'

export interface Case {
  name: string
  asked: Partial<Assignment>
  given: JobSpecOptions
  /**
   * Path → value. Paths begin with job, pod (its spec), task (the container), init.NAME, other.NAME (containers), volume.NAME,
   * mount.PATH (of the task), env.NAME (of the task) or secret.KEY (its text). undefined: must be absent.
   */
  want: Record<string, unknown>
}
