/**
 * Where a record lies: the numbers of records grow without a gap, so many of them make a segment, and a full one gets its
 * index ("sealed"). What comes after the last sealed one is the tail.
 */
import { mostTermKinds } from '../archive.ts'
import { segmentRecords } from './archive-index.ts'

export function segmentOf(seq: number): number {
  return Math.floor((seq - 1) / segmentRecords)
}

export function firstOf(segment: number): number {
  return segment * segmentRecords + 1
}

export function lastOf(segment: number): number {
  return firstOf(segment + 1) - 1
}

/** Of the posting list of one kind. */
export function postingId(segment: number, kind: number): number {
  return segment * mostTermKinds + kind
}
