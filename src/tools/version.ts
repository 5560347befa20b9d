import { fileURLToPath } from 'node:url'
import { systemDisk } from '../runtime/node/disk.ts'

/** Of this Postern, as package.json has it. */
export function posternVersion(): string {
  const path = fileURLToPath(new URL('../../package.json', import.meta.url))
  const { version }: { readonly version?: string } = JSON.parse(
    new TextDecoder().decode(systemDisk.readFileNow(path)),
  )
  return version ?? 'unknown'
}
