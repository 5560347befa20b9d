// TS2741: 250 needs a receipt, and an object that looks like one is none
import { queued } from '../../../src/smtp/replies.ts'

export const promised = queued({ ids: ['id'], committedAt: 0, committed: true })
