/** How the server listens, and what it allows. */
export interface AdminSettings {
  readonly listen: { readonly host: string; readonly port: number }
  /** How people reach it, without a slash at the end; where a proxy or TLS stands before it. */
  readonly publicUrl?: string
  /** Addresses and networks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  /** PEM. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  readonly idleMs: number
  readonly lifetimeMs: number
  /** Requests from one address (or /64) in a minute. */
  readonly requestsPerMinute: number
  /** Addresses and networks that read /metrics without a token. */
  readonly metricsFrom: readonly string[]
  /** The pages as `vite build` made them; missing where there are none. */
  readonly pages?: string
}

/** @param protocol of the request, as a trusted proxy has it; absent: what is known beforehand */
export function isSecure({ tls, publicUrl }: AdminSettings, protocol?: string): boolean {
  return tls !== undefined || publicUrl?.startsWith('https://') === true || protocol === 'https'
}
