import { addressNames, isPosternError, type Dns } from 'postern/plugin'
import type { IprevFinding } from './findings.ts'

/** RFC 8601 §3. @throws PosternError ABORTED */
export async function iprev(dns: Dns, address: string, signal: AbortSignal): Promise<IprevFinding> {
  try {
    const { names, confirmed } = await addressNames(dns, address, signal)
    if (confirmed !== undefined) return { result: 'pass', name: confirmed }
    return { result: names.length === 0 ? 'permerror' : 'fail' }
  } catch (error) {
    if (isPosternError(error, 'DNS_FAILED')) return { result: 'temperror' }
    throw error
  }
}
