// Paths and names inside every task's Pod that jobhook itself uses.
import type { Profile } from './options.ts'

export const WORKSPACE_VOLUME = 'workspace'
export const WORKSPACE = '/workspace'
/** A small volume for what the wrapper and its preStop hook tell each other, and the environment file of the profile generic: /workspace stays the task's. */
export const STATE_VOLUME = 'jobhook'
export const STATE = '/run/jobhook'
/** Volumes of sidecar images: sidecar-0, sidecar-1, … */
export const SIDECAR_VOLUME_PREFIX = 'sidecar-'
/** Where a copying init container sees the volume it fills. */
export const COPY_TARGET = '/.jobhook-target'
export const AGENT = '/agent'

/** The variable that names the file whose assignments are set for the task, and its value. */
export function environmentFile(profile: Profile): { name: string; path: string } {
  return profile === 'oz'
    ? { name: 'OZ_ENVIRONMENT_FILE', path: `${WORKSPACE}/.oz-env` }
    : { name: 'JOBHOOK_ENVIRONMENT_FILE', path: `${STATE}/env` }
}

/** Whether two absolute paths are the same or one lies in the other. */
export function overlap(a: string, b: string): boolean {
  return a === b || inside(a, b) || inside(b, a)
}

/** Whether `path` lies below `folder`. */
export function inside(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

/** Without a trailing slash, as mounts are compared. */
export function withoutTrailingSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}
