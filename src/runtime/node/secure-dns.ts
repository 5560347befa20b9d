/**
 * Questions whose answers carry the resolver's word on DNSSEC, which node:dns does not tell. By UDP, and by TCP where
 * the answer does not fit; each server is asked once in turn.
 */
import { getServers } from 'node:dns'
import { randomInt } from 'node:crypto'
import { PosternError } from '../../mail/errors.ts'
import type { TlsaRecord } from '../../mail/tls-policy.ts'
import type { SecureDns } from '../secure-dns.ts'
import { exchange, overTcp, overUdp, serverOf, type Asking } from './dns-exchange.ts'
import { encodeQuestion, type DnsResponse, type RecordType } from './dns-message.ts'

export interface NodeSecureDnsOptions {
  /** Addresses with optional port, `127.0.0.1` or `[::1]:5353`; absent: what the system uses. */
  readonly servers?: readonly string[]
  readonly timeoutMs?: number
}

export function nodeSecureDns({
  servers,
  timeoutMs = 2_000,
}: NodeSecureDnsOptions = {}): SecureDns {
  const ask = async (
    name: string,
    type: RecordType,
    signal: AbortSignal | undefined,
  ): Promise<DnsResponse> => {
    let failure = new PosternError('DNS_FAILED', 'there is no name server')
    for (const text of servers ?? getServers()) {
      const question = encodeQuestion(randomInt(65_536), name, type)
      const asking = { question, server: serverOf(text), timeoutMs, signal }
      try {
        return await answered(asking)
      } catch (error) {
        if (!(error instanceof PosternError) || error.code !== 'DNS_FAILED') throw error
        failure = error
      }
    }
    throw failure
  }
  return {
    async tlsa(name, signal) {
      const { authenticated, records } = await ask(name, 'TLSA', signal)
      return { secure: authenticated, records: records.flatMap(tlsaOf) }
    },
    async isMxSecure(domain, signal) {
      return (await ask(domain, 'MX', signal)).authenticated
    },
    async host(name, signal) {
      const { authenticated, canonicalName } = await ask(name, 'A', signal)
      return { secure: authenticated, canonicalName: canonicalName ?? name.toLowerCase() }
    },
  }
}

/** RFC 6698 §2.1. */
function tlsaOf(data: Buffer): readonly TlsaRecord[] {
  const [usage, selector, matchingType] = data
  if (usage === undefined || selector === undefined || matchingType === undefined) return []
  return [{ usage, selector, matchingType, data: data.subarray(3) }]
}

const noError = 0
const noName = 3

async function answered(asking: Asking): Promise<DnsResponse> {
  const short = await exchange(asking, overUdp)
  const response = short.truncated ? await exchange(asking, overTcp) : short
  const { rcode, truncated } = response
  // To believe half of an answer would be to believe that the rest does not exist.
  if (truncated) throw new PosternError('DNS_FAILED', 'the answer is too long')
  if (rcode === noError || rcode === noName) return response
  throw new PosternError('DNS_FAILED', `the name server says ${rcode}`)
}
