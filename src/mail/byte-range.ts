/** A byte range of a message. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}
