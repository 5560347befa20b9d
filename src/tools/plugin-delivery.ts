/** Plugins in the courier: they may say where a recipient goes, and carry it there themselves. */
import type { Router, Transport } from '../delivery/transport.ts'
import type { Generation } from '../filter/generation.ts'
import type { DeliveryResult } from '../mail/delivery-result.ts'
import type { PluginRoute } from '../mail/route.ts'

/**
 * Asks the enforced entries in their order, then `next`. A plugin that throws leaves no route: the courier defers.
 * @param generation the one in force
 */
export function routerWithPlugins(generation: () => Generation, next: Router): Router {
  return {
    async route(recipient, envelope) {
      for (const { instance, shadow } of generation().entries) {
        const route = shadow ? undefined : await instance.route?.(recipient, envelope)
        if (route !== undefined) return route
      }
      return next.route(recipient, envelope)
    },
  }
}

/** Hands the message to the entry that its route names; one that is gone, or does not deliver, defers. */
export function pluginTransport(generation: () => Generation): Transport<PluginRoute> {
  return {
    async deliver({ message, envelope, recipients, route }, signal) {
      const entry = generation().entries.find(({ name, shadow }) => name === route.entry && !shadow)
      if (entry?.instance.deliver === undefined) {
        const text = `The entry ${route.entry} that carries this mail is not in the chain`
        const missing: DeliveryResult = { outcome: 'deferred', status: '4.3.5', text }
        return recipients.map(() => missing)
      }
      return entry.instance.deliver({ message, envelope, recipients, route }, signal)
    },
  }
}
