/** Chooses the form of an answer from the Accept header: the object itself, a Table, or metadata only. JSON always; anything else is 406. Pure. */
import { ApiError } from '../status.ts'

export type Form = 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'

const FORMS = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'])

export function chooseForm(header: string | undefined): Form {
  if (header === undefined || header.trim() === '') return 'object'
  for (const clause of header.split(',')) {
    const [mediaType = '', ...parameters] = clause.split(';').map((part) => part.trim())
    if (mediaType === '*/*' || mediaType === 'application/*') return 'object'
    if (mediaType !== 'application/json' && mediaType !== 'application/json;stream=watch') continue
    const wanted = parameters.find((parameter) => parameter.startsWith('as='))?.slice(3)
    if (wanted === undefined) return 'object'
    const group = parameters.find((parameter) => parameter.startsWith('g='))?.slice(2)
    const version = parameters.find((parameter) => parameter.startsWith('v='))?.slice(2)
    if (FORMS.has(wanted) && group === 'meta.k8s.io' && version === 'v1') return wanted as Form
  }
  throw new ApiError(406, 'NotAcceptable', 'only the following media types are accepted: application/json', {})
}
