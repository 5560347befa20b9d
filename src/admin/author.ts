import type { Author } from './operations.ts'
import { Refusal } from './refusal.ts'
import type { Asked } from './route.ts'

/** Who changes a file. @throws Refusal 428 without If-Match: two people must not undo each other's work unseen */
export function authorOf({ caller, ifMatch }: Pick<Asked, 'caller' | 'ifMatch'>): Author {
  if (ifMatch === undefined) throw new Refusal('if-match-needed')
  return { name: caller.name, ifMatch }
}
