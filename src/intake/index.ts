// The intake stage's public face.
export { type Admission, createAdmission } from './admission.ts'
export { type Cancel, type Cancelled, createCancel } from './cancel.ts'
export { invalid, type Parsed, parseMessage } from './parse.ts'
export { createSubmit, type Submit, type Submitted } from './submit.ts'
export { type Authenticate, type Caller, createAuthenticate, type Scope } from './tokens.ts'
export { readWebhook } from './webhook.ts'
