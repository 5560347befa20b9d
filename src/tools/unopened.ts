import { join } from 'node:path'
import type { PosternError } from '../mail/errors.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { errnoOf } from '../runtime/node/made-file.ts'

/** Where a configuration keeps what it opens. */
interface Places {
  readonly folder: string
  readonly spool: { readonly path: string }
  readonly store: { readonly path: string }
  readonly traces: { readonly path: string }
}

/** What cannot be known before it is tried, as a mistake like any other. */
export function unopened({ folder, spool, store, traces }: Places, error: PosternError): Mistake {
  const about = (file: string, remedy: string): Mistake => ({
    file,
    problem: error.message,
    remedy,
  })
  switch (error.code) {
    case 'SPOOL_LOCKED':
      return about(spool.path, 'stop the other gateway, or give this one a spool of its own')
    case 'SPOOL_NEWER':
      return about(spool.path, 'run the version that wrote it, or a newer one')
    case 'DISK_FULL':
      return about(spool.path, 'make room there: what is queued can not leave before')
    case 'DISK_FAILED':
      return about(spool.path, remedyOf(error))
    case 'STORE_FAILED':
      return about(
        `${store.path}, ${traces.path}`,
        'let this user write to them, or move the one away that cannot be read: they hold no mail',
      )
    default:
      return about(join(folder, 'postern.yaml'), 'mend what the problem names, then start again')
  }
}

function remedyOf(error: PosternError): string {
  return /^E[MN]FILE$/.test(errnoOf(error))
    ? 'let it open more files at once: ulimit -n, or LimitNOFILE of the unit'
    : 'let this user write to it, or mend the disk'
}
