import { isPosternError, type Dns } from 'postern/plugin'
import type { IprevFinding } from './findings.ts'

/** Names of one address that are followed back. */
const mostNames = 5

/** RFC 8601 §3. @throws PosternError ABORTED */
export async function iprev(dns: Dns, address: string, signal: AbortSignal): Promise<IprevFinding> {
  try {
    const names = await dns.reverse(address, signal)
    if (names.answer !== 'found') return { result: 'permerror' }
    for (const name of names.records.slice(0, mostNames)) {
      const back = await dns.addresses(name, signal)
      if (back.answer === 'found' && back.records.includes(address)) {
        return { result: 'pass', name: name.slice(0, 255) }
      }
    }
    return { result: 'fail' }
  } catch (error) {
    if (isPosternError(error, 'DNS_FAILED')) return { result: 'temperror' }
    throw error
  }
}
