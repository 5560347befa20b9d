/**
 * What root leaves to a gateway that is not root: in one variable of the environment, which its workers inherit as they
 * inherit the descriptors that it names.
 */
import process from 'node:process'
import { listenKey } from '../listen-key.ts'
import type { HandedListener, ListenAddress } from '../net.ts'
import { InheritedListener, NodeHandedListener } from './handed-listener.ts'
import { nodeNet } from './net.ts'

export interface Kept {
  /** The socket of the deliverer. */
  readonly deliverer: string
  /** Descriptors of listening sockets, by `listenKey`: ports that only root may listen on. */
  readonly ports: ReadonlyMap<string, number>
}

const variable = 'POSTERN_KEPT'

export function keptEnvironment({ deliverer, ports }: Kept): Readonly<Record<string, string>> {
  return { [variable]: JSON.stringify({ deliverer, ports: [...ports] }) }
}

/** @returns undefined where nobody keeps us: root has not started us, or we are root ourselves */
export function keptByRoot(environment: NodeJS.ProcessEnv = process.env): Kept | undefined {
  const text = environment[variable]
  if (text === undefined) return undefined
  const { deliverer, ports } = JSON.parse(text) as {
    deliverer: string
    ports: [string, number][]
  }
  return { deliverer, ports: new Map(ports) }
}

/** The same sockets, as a listener takes them. */
export function keptListeners({ ports }: Pick<Kept, 'ports'>): Map<string, HandedListener> {
  return new Map([...ports].map(([key, descriptor]) => [key, new InheritedListener(descriptor)]))
}

export interface OpenedPorts extends Pick<Kept, 'ports'> {
  /** Ours: whoever has inherited them meanwhile keeps them. */
  close(): Promise<void>
}

/** Ports below this are root's (ip(7)). */
const firstFreePort = 1024

/**
 * Listens where only root may. To be followed at once by whoever inherits them: a client that comes in between is hung up on.
 * @throws PosternError ADDRESS_IN_USE, LISTEN_FAILED
 */
export async function openRootsPorts(addresses: readonly ListenAddress[]): Promise<OpenedPorts> {
  const opened = new Map<string, Awaited<ReturnType<typeof nodeNet.listen>>>()
  const close = async (): Promise<void> => {
    for (const listener of opened.values()) await listener.close()
  }
  try {
    for (const address of addresses) {
      if (!('host' in address) || address.port === 0 || address.port >= firstFreePort) continue
      const listener = await nodeNet.listen({
        address,
        accepted: (connection) => connection.destroy(),
        failed: () => undefined,
      })
      opened.set(listenKey(address), listener)
    }
  } catch (error) {
    await close()
    throw error
  }
  const ports = [...opened].map(([key, { handed }]) => [key, descriptorOf(handed)] as const)
  return { ports: new Map(ports), close }
}

function descriptorOf(handed: HandedListener | undefined): number {
  if (!(handed instanceof NodeHandedListener)) throw new Error('a socket without a handle')
  const descriptor: unknown = Reflect.get(Object(handed.handle), 'fd')
  if (typeof descriptor !== 'number') throw new Error('a handle without a descriptor')
  return descriptor
}
