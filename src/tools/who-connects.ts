/** What is asked of others about a client before the rules of tcp.smtp are: its name by DNS, and its ident. */
import type { Configuration } from '../config/configuration.ts'
import { wantsHost } from '../formats/tcprules-lookup.ts'
import type { InfoOf, NameOf } from '../filter/policy.ts'
import type { Doors } from '../runtime/doors.ts'
import { clientIdent } from './client-ident.ts'
import { clientName } from './client-names.ts'

/** @param current the configuration in force */
export function whoConnects(
  doors: Doors,
  current: () => Configuration,
): { readonly nameOf: NameOf; readonly infoOf: InfoOf } {
  return {
    nameOf({ remote: { address }, environment }) {
      const { tcpRules, dns } = current()
      // Whose environment is known has been looked up by tcpserver.
      if (environment !== undefined || !wantsHost(tcpRules, address)) return undefined
      return clientName(address, dns.clientNames, doors)
    },
    infoOf({ listener, remote, local, environment }) {
      if (local === undefined || environment !== undefined || remote.address === 'unix') {
        return undefined
      }
      const timeoutMs = current().listeners.find(({ name }) => name === listener)?.identMs
      return timeoutMs === undefined ? undefined : clientIdent({ remote, local, timeoutMs }, doors)
    },
  }
}
