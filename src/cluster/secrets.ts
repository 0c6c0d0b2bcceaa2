// Reading and clearing up Secrets: the values of one (to take them out of a log), the names of all of ours (never their values), and a deletion
// that is refused when another object has taken the name.
import type { KubeObject, KubeResult, ObjectMeta } from '../model/kube-api.ts'
import { type KubeClient, onlyThis } from './client.ts'

/** The API then leaves `data` out of the list: the values never come near this process. */
const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

interface MetadataList {
  items?: { metadata?: ObjectMeta }[] | null
  metadata?: { continue?: string }
}

export function createSecretOperations(client: KubeClient, namespaceName: string) {
  const secrets = `/api/v1/namespaces/${encodeURIComponent(namespaceName)}/secrets`
  return {
    /** Decoded as UTF-8. */
    async secretValues(name: string): Promise<KubeResult<string[]>> {
      const result = await client.send<KubeObject & { data?: Record<string, string> }>({
        verb: 'get',
        resource: 'secrets',
        path: `${secrets}/${encodeURIComponent(name)}`,
      })
      if (!result.ok) return result
      return { ok: true, value: Object.values(result.value.data ?? {}).map((value) => Buffer.from(value, 'base64').toString('utf8')) }
    },

    /** One page of names and times. */
    async secretMetadata(
      query: { labelSelector: string; limit: number; continueToken: string | null },
      signal?: AbortSignal,
    ): Promise<KubeResult<{ items: ObjectMeta[]; continueToken: string | null }>> {
      const result = await client.send<MetadataList>({
        verb: 'list',
        resource: 'secrets',
        path: secrets,
        accept: METADATA_ONLY,
        query: {
          labelSelector: query.labelSelector,
          limit: String(query.limit),
          ...(query.continueToken ? { continue: query.continueToken } : {}),
        },
        ...(signal ? { signal } : {}),
      })
      if (!result.ok) return result
      const { items, metadata } = result.value
      // Go writes an empty list of this kind as null, not as [].
      return { ok: true, value: { items: (items ?? []).map((item) => item.metadata ?? {}), continueToken: metadata?.continue || null } }
    },

    /** Exactly this object: 409 when another one bears the name now. One that is gone already counts as deleted. */
    async deleteExactSecret(name: string, uid: string): Promise<KubeResult<null>> {
      const result = await client.send<null>({
        verb: 'delete',
        resource: 'secrets',
        path: `${secrets}/${encodeURIComponent(name)}`,
        parse: null,
        body: onlyThis(uid),
      })
      if (!result.ok && result.error.status !== 404) return result
      return { ok: true, value: null }
    },
  }
}
