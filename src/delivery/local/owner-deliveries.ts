/** The other end of owner-process.ts: deliveries that root hands over, made by whoever we are, one after the other. */
import { formatFrame, FrameReader, pieces, type Frame } from '../deliverer/frames.ts'
import { formatAnswer } from '../deliverer/requests.ts'
import { readOrder, type OwnerOrder } from './owner-order.ts'
import type { UserDelivery } from '../../runtime/deliverer.ts'

export interface OwnerEnds {
  readonly input: AsyncIterable<Uint8Array>
  readonly output: (frame: Uint8Array) => void
}

/** @param message with LF line ends */
export type Delivering = (order: OwnerOrder, message: Uint8Array) => Promise<UserDelivery>

/**
 * Obeys until nothing more can come; what is under way then goes on.
 * @throws Error for what is no order: root says nothing else
 */
export async function obeyOrders({ input, output }: OwnerEnds, deliver: Delivering): Promise<void> {
  const reader = new FrameReader()
  const orders = new Orders(async ({ order, message }) => {
    const { end, text, forward } = await deliver(order, message)
    for (const piece of pieces(text)) output(formatFrame('text', piece))
    for (const piece of pieces(forward)) output(formatFrame('forward', piece))
    output(formatFrame('answer', formatAnswer({ end })))
  })
  for await (const chunk of input) {
    const frames = reader.read(chunk)
    if (frames === undefined) throw new Error('this is no frame')
    for (const frame of frames) orders.take(frame)
  }
}

interface WholeOrder {
  readonly order: OwnerOrder
  readonly message: Uint8Array
}

/** An order is obeyed when it is whole, with the end of its message. */
class Orders {
  readonly #obey: (whole: WholeOrder) => Promise<void>
  #order: OwnerOrder | undefined
  #message: Uint8Array[] = []

  constructor(obey: (whole: WholeOrder) => Promise<void>) {
    this.#obey = obey
  }

  take({ kind, payload }: Frame): void {
    if (kind === 'request' && this.#order === undefined) {
      this.#order = readOrder(payload)
      if (this.#order !== undefined) return
    } else if (this.#order !== undefined) {
      if (kind === 'message') return void this.#message.push(payload)
      if (kind === 'end') return this.#begin(this.#order)
    }
    throw new Error('this is no order')
  }

  /** Whoever orders waits for the answer before it goes on. A delivery that throws is a bug, and ends the process. */
  #begin(order: OwnerOrder): void {
    const message = Buffer.concat(this.#message)
    this.#order = undefined
    this.#message = []
    void this.#obey({ order, message })
  }
}
