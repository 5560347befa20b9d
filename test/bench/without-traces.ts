/**
 * Imported before a gateway's program (NODE_OPTIONS=--import=…): what it would record is not made, and what others record is
 * taken and forgotten. There is no such setting; only who measures what recording costs wants a gateway that does not.
 */
import { registerHooks } from 'node:module'

const here = (path: string): string => new URL(path, import.meta.url).href
const instead = new Map([
  [here('../../src/tools/open-traces.ts'), here('./forgetful-traces.ts')],
  [here('../../src/filter/session-record.ts'), here('./forgetful-records.ts')],
])
const forgetful = new Set<string | undefined>(instead.values())

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    const other = forgetful.has(context.parentURL) ? undefined : instead.get(found.url)
    return other === undefined ? found : { ...found, url: other }
  },
})
