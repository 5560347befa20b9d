/**
 * Imported before a gateway's program (NODE_OPTIONS=--import=…): what it would record is taken and forgotten. There is no such
 * setting; only who measures what recording costs wants a gateway that does not.
 */
import { registerHooks } from 'node:module'

const own = new URL('../../src/tools/open-traces.ts', import.meta.url).href
const forgetful = new URL('./forgetful-traces.ts', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    return found.url === own && context.parentURL !== forgetful
      ? { ...found, url: forgetful }
      : found
  },
})
