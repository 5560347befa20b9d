import type { ListenAddress } from './net.ts'

/** The same for the same address: for maps. */
export function listenKey(address: ListenAddress): string {
  if ('host' in address) return `${address.host} ${address.port}`
  return 'path' in address ? address.path : `inherited ${address.inherited}`
}
