import type { ErrorCode } from '../../mail/errors.ts'
import type { NewFile } from '../file-drop.ts'

/** Files are numbered in their order. */
export type ToDrop =
  | { readonly say: 'put'; readonly first: number; readonly files: readonly NewFile[] }
  | { readonly say: 'close' }

/** What the code of an error cannot be is a bug of the thread's, and ends it. */
export type FromDrop =
  | {
      readonly say: 'done'
      readonly numbers: readonly number[]
      readonly failed: readonly (readonly [number: number, code: ErrorCode, message: string])[]
    }
  | { readonly say: 'closed' }
