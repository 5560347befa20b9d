/** Addresses as qmail's own programs write and quote them. */
import type { Mailbox } from '../mail/address.ts'
import { utf8Octets } from './octets.ts'

const plainLocalPart = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+$/

/**
 * As in `Return-Path: <…>`: the local-part is quoted where RFC 822 asks for it, the rest stays as it is.
 * @param address `local-part@domain`, or without a domain; empty stays empty
 */
export function quoteAddress(address: string): string {
  if (address === '') return ''
  const at = address.lastIndexOf('@')
  const localPart = at < 0 ? address : address.slice(0, at)
  return quoteLocalPart(localPart) + (at < 0 ? '' : address.slice(at))
}

function quoteLocalPart(localPart: string): string {
  if (isPlainLocalPart(localPart)) return localPart
  return `"${localPart.replace(/[\r\n"\\]/g, '\\$&')}"`
}

/** Whether it stands without quotes. */
export function isPlainLocalPart(localPart: string): boolean {
  const dotsRight =
    !localPart.startsWith('.') && !localPart.endsWith('.') && !localPart.includes('..')
  return dotsRight && plainLocalPart.test(localPart)
}

/** As qmail-queue has it on descriptor 1: without quotes, one character for each byte; a path that is null is empty. */
export function formatPlainAddress(mailbox: Mailbox | null): string {
  if (mailbox === null) return ''
  const { localPart, domain } = mailbox
  return utf8Octets(domain === '' ? localPart : `${localPart}@${domain}`)
}
