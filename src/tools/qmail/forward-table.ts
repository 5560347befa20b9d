import { basename } from 'node:path'
import { openCdb, type Cdb } from '../../formats/cdb-reader.ts'
import { buildCdb } from '../../formats/cdb-writer.ts'
import { readAtBytes } from '../../formats/cdb.ts'
import { aliasRecords } from '../../formats/forwarding/aliases.ts'
import { forwardRecords } from '../../formats/forwarding/forward-text.ts'
import { latin1, latin1Bytes, lowerAscii, utf8Octets } from '../../formats/octets.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { qualifiersIn } from './qualifiers.ts'

/** What fastforward looks up; text is one character for each byte. */
export class ForwardTable {
  readonly #cdb: Pick<Cdb, 'get'>

  constructor(cdb: Pick<Cdb, 'get'>) {
    this.#cdb = cdb
  }

  /** Under the whole address, in any case. @throws CdbError */
  exact(mark: ':' | '?', address: string): string | undefined {
    const value = this.#cdb.get(latin1Bytes(lowerAscii(mark + address)))
    return value === undefined ? undefined : latin1(value)
  }

  /** Also under `@host` and `user@`. @throws CdbError */
  find(mark: ':' | '?', address: string): string | undefined {
    const at = address.lastIndexOf('@')
    const keys = at < 0 ? [address] : [address, address.slice(at), address.slice(0, at + 1)]
    for (const key of keys) {
      const value = this.exact(mark, key)
      if (value !== undefined) return value
    }
    return undefined
  }
}

/**
 * Opens a cdb; or reads, as it stands, what one is made of: a file named `aliases` as newaliases does, any other without
 * `.cdb` at its end as setforward does.
 * @param folder that holds `control/`
 * @throws CdbError, PosternError; what is wrong with a text comes back in words
 */
export function openForwardTable(
  path: string,
  folder: string,
): ForwardTable | { readonly trouble: string } {
  // A FIFO waits for somebody who may never come.
  if (systemDisk.statNow(path).kind !== 'file' && path !== '/dev/null') {
    return { trouble: `${utf8Octets(path)} is no file` }
  }
  const bytes = systemDisk.readFileNow(path)
  if (path.endsWith('.cdb')) return new ForwardTable(openCdb(readAtBytes(bytes)))
  const reading =
    basename(path) === 'aliases' ? aliasRecords(bytes, qualifiersIn(folder)) : forwardRecords(bytes)
  if ('trouble' in reading) return reading
  return new ForwardTable(openCdb(readAtBytes(buildCdb(reading.records))))
}
