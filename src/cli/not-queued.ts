import { printable } from '../mail/reply.ts'

/** What is said of an id that no message in the queue has. */
export function notQueued(id: string): string {
  return `There is no message ${printable(id)} in the queue; postern trace ${printable(id)} may know it.\n`
}
