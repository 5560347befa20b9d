/**
 * The PROXY protocol, versions 1 and 2 (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt), as a pure
 * function of the bytes so far. Strict: what is not exactly a header is broken, and nobody guesses whose it is.
 */
import ipaddr from 'ipaddr.js'
import type { Endpoint, TlsState } from '../mail/session.ts'
import type { PreambleStep } from './preamble.ts'
import { proxyTls } from './proxy-tls.ts'

/** Whose connection it is; `own`: the proxy's (a health check), or of somebody whom it cannot name. */
export type ProxyHeader =
  | 'own'
  | { readonly remote: Endpoint; readonly local: Endpoint; readonly tls?: TlsState }

type Step = PreambleStep<ProxyHeader>

/** §2.1: the longest line, CR LF included. */
const maxV1Bytes = 107
/** §2.2 allows 65,551; addresses and the facts of a TLS session need far less. */
const maxV2Bytes = 1_024

const v1Signature = Buffer.from('PROXY ')
const v2Signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const v2HeadBytes = 16

const more: Step = Object.freeze({ state: 'more' })
const broken = (problem: string): Step => ({ state: 'broken', problem })

/** @param bytes all that came so far */
export function parseProxyHeader(bytes: Buffer): Step {
  if (begins(bytes, v2Signature)) return parseV2(bytes)
  if (begins(bytes, v1Signature)) return parseV1(bytes)
  return broken('no PROXY header')
}

/** As far as there are bytes. */
function begins(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length)
  return bytes.subarray(0, length).equals(signature.subarray(0, length))
}

function parseV1(bytes: Buffer): Step {
  const head = bytes.subarray(0, maxV1Bytes)
  const lf = head.indexOf(0x0a)
  if (lf === -1) return bytes.length < maxV1Bytes ? more : broken('PROXY line too long')
  if (head[lf - 1] !== 0x0d) return broken('PROXY line without CR LF')
  const value = readV1(head.toString('latin1', 0, lf - 1))
  return value === undefined
    ? broken('malformed PROXY line')
    : { state: 'done', usedBytes: lf + 1, value }
}

function readV1(line: string): ProxyHeader | undefined {
  const [, family, ...words] = line.split(' ')
  // Whatever follows UNKNOWN is to be ignored.
  if (family === 'UNKNOWN') return 'own'
  const [source = '', destination = '', sourcePort = '', destinationPort = ''] = words
  if (words.length !== 4 || !isPort(sourcePort) || !isPort(destinationPort)) return undefined
  const isAddress = family === 'TCP4' ? isIpv4 : family === 'TCP6' ? isIpv6 : undefined
  if (isAddress?.(source) !== true || !isAddress(destination)) return undefined
  return {
    remote: { address: canonical(source), port: Number(sourcePort) },
    local: { address: canonical(destination), port: Number(destinationPort) },
  }
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

function isIpv4(text: string): boolean {
  return /^(?:(?:0|[1-9]\d{0,2})(?:\.|$)){4}$/.test(text) && ipaddr.IPv4.isValid(text)
}

function isIpv6(text: string): boolean {
  return /^[\da-fA-F:.]+$/.test(text) && ipaddr.IPv6.isValid(text)
}

/** As the net door writes addresses: IPv6 shortened, and IPv4 never mapped into it. */
function canonical(address: string): string {
  return ipaddr.process(address).toString()
}

function parseV2(bytes: Buffer): Step {
  if (bytes.length < v2HeadBytes) return more
  const [versionAndCommand = 0, familyAndTransport = 0] = bytes.subarray(12, 14)
  const end = v2HeadBytes + bytes.readUInt16BE(14)
  if (versionAndCommand >> 4 !== 2) return broken('PROXY header of an unknown version')
  if (end > maxV2Bytes) return broken('PROXY header too long')
  if (bytes.length < end) return more
  const command = versionAndCommand & 0x0f
  if (command > 1) return broken('PROXY header with an unknown command')
  // LOCAL: what else it says is to be ignored.
  const value = command === 0 ? 'own' : readV2(familyAndTransport, bytes.subarray(v2HeadBytes, end))
  return typeof value === 'object' || value === 'own'
    ? { state: 'done', usedBytes: end, value }
    : broken(value)
}

type V2Problem = 'PROXY header for another transport' | 'malformed PROXY header'

function readV2(familyAndTransport: number, body: Buffer): ProxyHeader | V2Problem {
  switch (familyAndTransport) {
    case 0x00: // unspecified
    case 0x31: // a UNIX socket: a client without an address
      return 'own'
    case 0x11:
      return readAddresses(body, 4)
    case 0x21:
      return readAddresses(body, 16)
    default:
      return 'PROXY header for another transport'
  }
}

function readAddresses(body: Buffer, addressBytes: 4 | 16): ProxyHeader | V2Problem {
  const tlvsAt = 2 * addressBytes + 4
  if (body.length < tlvsAt) return 'malformed PROXY header'
  const tls = proxyTls(body.subarray(tlvsAt))
  if (tls === 'malformed') return 'malformed PROXY header'
  const address = (at: number): string =>
    ipaddr
      .process(ipaddr.fromByteArray([...body.subarray(at, at + addressBytes)]).toString())
      .toString()
  return {
    remote: { address: address(0), port: body.readUInt16BE(2 * addressBytes) },
    local: { address: address(addressBytes), port: body.readUInt16BE(2 * addressBytes + 2) },
    ...(tls === undefined ? {} : { tls }),
  }
}
