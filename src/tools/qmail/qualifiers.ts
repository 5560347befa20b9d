import { join } from 'node:path'
import { controlLine } from '../../formats/control.ts'
import type { Qualifiers } from '../../formats/inject/qualify.ts'
import { utf8Octets } from '../../formats/octets.ts'
import { unlessMissingNow } from '../../runtime/missing.ts'
import { systemDisk } from '../../runtime/node/disk.ts'

/** What completes addresses in lists, by the control files of `folder`; each is control/me where it is not there. */
export function qualifiersIn(folder: string): Qualifiers {
  const line = (name: string, otherwise: string): string =>
    utf8Octets(controlLine(contentOf(join(folder, 'control', name)), otherwise).value)
  const me = line('me', 'me')
  return {
    defaultHost: line('defaulthost', me),
    defaultDomain: line('defaultdomain', me),
    plusDomain: line('plusdomain', me),
  }
}

/** @throws PosternError for a file that is there and cannot be read */
function contentOf(path: string): Uint8Array | undefined {
  return unlessMissingNow(() => systemDisk.readFileNow(path))
}
