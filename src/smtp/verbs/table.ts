import { auth } from './auth.ts'
import { bdat } from './bdat.ts'
import { data } from './data.ts'
import { etrn } from './etrn.ts'
import { ehlo, helo, lhlo } from './hello.ts'
import { help } from './help.ts'
import { mail } from './mail.ts'
import { noop } from './noop.ts'
import { quit } from './quit.ts'
import { rcpt } from './rcpt.ts'
import { rset } from './rset.ts'
import { starttls } from './starttls.ts'
import type { Verb } from './verb.ts'
import { vrfy } from './vrfy.ts'
import { xclient } from './xclient.ts'
import { xforward } from './xforward.ts'

/** Every command that is spoken here. */
export const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ['EHLO', ehlo],
  ['HELO', helo],
  ['LHLO', lhlo],
  ['MAIL', mail],
  ['RCPT', rcpt],
  ['DATA', data],
  ['BDAT', bdat],
  ['RSET', rset],
  ['NOOP', noop],
  ['VRFY', vrfy],
  ['HELP', help],
  ['QUIT', quit],
  ['STARTTLS', starttls],
  ['AUTH', auth],
  ['ETRN', etrn],
  ['XCLIENT', xclient],
  ['XFORWARD', xforward],
])

/** Commands of RFC 5321 and its ancestors that we know of and do not speak (§4.2.4: 502). */
export const knownElsewhere: ReadonlySet<string> = new Set([
  'EXPN',
  'SEND',
  'SOML',
  'SAML',
  'TURN',
  'ATRN',
  'BURL',
])

/** What a browser says first. What follows it was never meant for a mail server. */
export const otherProtocols: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'OPTIONS',
  'CONNECT',
])
