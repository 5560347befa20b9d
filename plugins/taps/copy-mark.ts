/**
 * The mark of a copy, so that none is ever made of a copy that comes back to us. It is signed with a key of this
 * gateway: a sender who writes such a field does not escape the taps by it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Random, StoreTable } from 'postern/plugin'

export const markField = 'X-Postern-Copy'

const keyName = 'key'
const keyBytes = 32
/** Fields of that name that are looked at. */
const mostMarks = 50

export interface CopyMarks {
  /** The value of the field on a copy for this address. */
  make(address: string): string
  /** Whether the values of a message's fields hold a mark of ours for this address. */
  isCopyFor(address: string, values: readonly string[]): boolean
}

/** The key is made at the first start and kept. @throws PosternError STORE_FAILED */
export async function openMarks(table: StoreTable, random: Random): Promise<CopyMarks> {
  const kept = await table.get(keyName)
  const text = typeof kept === 'string' ? kept : Buffer.from(random.bytes(keyBytes)).toString('hex')
  if (text !== kept) await table.put(keyName, text)
  const key = Buffer.from(text, 'hex')
  const mac = (address: string, id: string): Buffer =>
    createHmac('sha256', key).update(`${id} ${address.toLowerCase()}`).digest()
  return {
    make(address) {
      const id = Buffer.from(random.bytes(8)).toString('hex')
      return `${id} ${mac(address, id).toString('hex')}`
    },
    isCopyFor: (address, values) =>
      values.slice(0, mostMarks).some((value) => {
        const [id = '', hex = ''] = value.slice(0, 200).split(' ')
        const given = Buffer.from(hex, 'hex')
        const expected = mac(address, id)
        return given.length === expected.length && timingSafeEqual(given, expected)
      }),
  }
}
