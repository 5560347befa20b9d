/** Lets the loop turn, so that whoever has much to do keeps nobody waiting; what came meanwhile goes first. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
