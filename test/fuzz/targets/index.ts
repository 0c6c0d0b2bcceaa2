// All targets. Those in `pure` need nothing but this process.
import type { Target } from '../target.ts'
import { config } from './config.ts'
import { http } from './http.ts'
import { message } from './message.ts'
import { signature } from './signature.ts'
import { watch } from './watch.ts'

export const pure = [signature, message, watch, config] as unknown as readonly Target[]
export const all = [...pure, http as unknown as Target]
