/** The door to chance. */
export interface Random {
  /** Bytes fit for secrets. */
  bytes(length: number): Uint8Array
  /** An integer from 0 up to, not including, `bound`. */
  integer(bound: number): number
}
