// Why no HTTP answer came, by the error code of Node or undici. Pure.

export type TransportCause = 'unknown-host' | 'refused' | 'no-answer' | 'untrusted' | 'wrong-name' | 'not-in-date' | 'not-tls'

const CAUSES: Readonly<Record<TransportCause, readonly string[]>> = {
  'unknown-host': ['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA'],
  refused: ['ECONNREFUSED'],
  'no-answer': [
    'ETIMEDOUT',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_BODY_TIMEOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'TimeoutError',
  ],
  untrusted: [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'CERT_SIGNATURE_FAILURE',
    'CERT_UNTRUSTED',
  ],
  'wrong-name': ['ERR_TLS_CERT_ALTNAME_INVALID'],
  'not-in-date': ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'],
  'not-tls': ['EPROTO'],
}

/** `code` as errorCode() finds it; an aborted deadline may only have its name. */
export function transportCause(code: string): TransportCause | null {
  if (code.startsWith('ERR_SSL_')) return 'not-tls'
  for (const [cause, codes] of Object.entries(CAUSES)) if (codes.includes(code)) return cause as TransportCause
  return null
}
