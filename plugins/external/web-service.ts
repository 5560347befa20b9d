/** A plugin behind HTTP: each question is one POST of JSON, the answer comes with 200. */
import { PosternError, type JsonObject, type NetAddress } from 'postern/plugin'
import { httpRequest } from '../shared/http/http.ts'
import type { PeerDoors } from '../shared/peer/peer.ts'

export interface ServiceAddress {
  readonly address: NetAddress
  readonly host: string
  readonly path: string
  readonly tls?: string
}

const largestAnswer = 1_048_576
const connectMs = 5_000

/** `http://host:port/path`, `https://…`, or `unix:/run/x.sock:/path`. @returns undefined for anything else */
export function parseServiceAddress(text: string): ServiceAddress | undefined {
  const [, socket, socketPath] = /^unix:(\/[^:\s]{1,100}):(\/[^\s]*)$/.exec(text) ?? []
  if (socket !== undefined && socketPath !== undefined) {
    return { address: { path: socket }, host: 'localhost', path: socketPath }
  }
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const secure = url.protocol === 'https:'
  if (!secure && url.protocol !== 'http:') return undefined
  if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  return {
    address: { host, port },
    host: url.host,
    path: `${url.pathname}${url.search}`,
    ...(secure ? { tls: host } : {}),
  }
}

/** @throws PosternError CONNECT_FAILED, PEER_FAILED, TIMEOUT, ABORTED */
export async function askService(
  doors: PeerDoors,
  service: ServiceAddress,
  {
    question,
    withinMs,
    signal,
  }: {
    readonly question: JsonObject
    readonly withinMs: number
    readonly signal: AbortSignal
  },
): Promise<unknown> {
  const body = Buffer.from(JSON.stringify(question))
  const reply = await httpRequest(doors, {
    ...service,
    method: 'POST',
    fields: [
      ['Content-Type', 'application/json'],
      ['Accept', 'application/json'],
    ],
    body: {
      sizeBytes: body.length,
      async *chunks() {
        yield body
      },
    },
    maxReplyBytes: largestAnswer,
    connectMs: Math.min(connectMs, withinMs),
    patienceMs: withinMs,
    signal,
  })
  const said = reply.body.toString('utf8')
  if (reply.status !== 200) {
    throw new PosternError('PEER_FAILED', `${service.host} gives ${reply.status}`)
  }
  try {
    return JSON.parse(said)
  } catch {
    throw new PosternError('PEER_FAILED', `${service.host} gives no JSON`)
  }
}
