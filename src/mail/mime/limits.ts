/** How much of a message is looked at. What has more is no mistake of ours and no exception: the tree says which limit it met. */
export interface MimeLimits {
  readonly parts: number
  readonly depth: number
  /** Of one part. */
  readonly headerBytes: number
  /** Of all parts together, the message's own header included. */
  readonly allHeaderBytes: number
  /** Lines that are delimiters, or begin like one. */
  readonly delimiters: number
}

export const mimeLimits: MimeLimits = {
  parts: 2000,
  depth: 50,
  headerBytes: 262_144,
  allHeaderBytes: 2_097_152,
  delimiters: 10_000,
}
