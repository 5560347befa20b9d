import { domainKeys } from './control-domains.ts'

/** A value for a domain: for itself, or for everything below a `.suffix`. */
export interface DomainTable<T> {
  /** The most particular that covers the domain, whatever its case. */
  find(domain: string): T | undefined
  /** By domain or `.suffix`, in lower case. */
  readonly values: ReadonlyMap<string, T>
}

/** @param values by domain or `.suffix`, in lower case */
export function domainTable<T>(values: ReadonlyMap<string, T>): DomainTable<T> {
  return {
    values,
    find(domain) {
      if (values.size === 0) return undefined
      for (const key of domainKeys(domain)) {
        const value = values.get(key)
        if (value !== undefined) return value
      }
      return undefined
    },
  }
}

/** A key of such a table in lower case, or undefined: a domain name, or one behind a dot. */
export function domainTableKey(text: string): string | undefined {
  return /^\.?[a-z\d_](?:[a-z\d_.-]{0,252}[a-z\d_])?$/i.test(text) && !text.includes('..')
    ? text.toLowerCase()
    : undefined
}
