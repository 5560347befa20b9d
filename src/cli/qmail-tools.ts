/** The programs in place of qmail's own, each with the file that does its work; how they are called: qmail-tool-command.ts. */
import type { Surroundings } from '../tools/qmail/surroundings.ts'
import type { ToolEnd } from '../tools/qmail/tool-end.ts'

export interface QmailTool {
  readonly usage: string
  readonly about: string
  readonly run: (call: Surroundings, config: string) => Promise<ToolEnd>
  /** What it makes is for others to read, whatever our own umask says. */
  readonly forOthers?: true
}

export const qmailTools: Readonly<Record<string, QmailTool>> = {
  newu: {
    usage: '',
    about: 'make users/cdb from users/assign, as qmail-newu',
    run: async (_, config) => (await import('../tools/qmail/make-cdbs.ts')).newu(config),
    forOthers: true,
  },
  newmrh: {
    usage: '',
    about: 'make control/morercpthosts.cdb from control/morercpthosts, as qmail-newmrh',
    run: async (_, config) => (await import('../tools/qmail/make-cdbs.ts')).newmrh(config),
    forOthers: true,
  },
  pw2u: {
    usage: '[-/ohHuUC] [-cX] < /etc/passwd',
    about: 'print users/assign for the accounts of this host, as qmail-pw2u',
    run: async (call, config) => (await import('../tools/qmail/pw2u.ts')).pw2u(call, config),
  },
  getpw: {
    usage: 'local',
    about: 'say whose mail a local part is by the accounts of this host, as qmail-getpw',
    run: async (call) => (await import('../tools/qmail/getpw.ts')).getpw(call),
  },
  mkvalidrcptto: {
    usage: '[-n] [-c file]',
    about: 'list who receives mail here, or write that as validrcptto.cdb',
    run: async (call, config) => {
      const { mkvalidrcptto } = await import('../tools/qmail/mkvalidrcptto.ts')
      const { withProgress } = await import('./progress.ts')
      return withProgress('recipients', (told) => mkvalidrcptto(call, config, told))
    },
    forOthers: true,
  },
  forward: {
    usage: 'address ...',
    about: 'send the message on',
    run: async (call) => (await import('../tools/qmail/forward.ts')).forward(call),
  },
  fastforward: {
    usage: '[-nNpPdD] table.cdb',
    about: 'send the message on to whom a table of aliases names',
    run: async (call, config) =>
      (await import('../tools/qmail/fastforward.ts')).fastforward(call, config),
  },
  'dot-forward': {
    usage: '[-nN] .forward ...',
    about: 'do with the message what a .forward file says',
    run: async (call, config) =>
      (await import('../tools/qmail/dot-forward.ts')).dotForward(call, config),
  },
  setforward: {
    usage: 'table.cdb table.tmp < text',
    about: 'make a table for fastforward',
    run: async (call) => (await import('../tools/qmail/forward-tables.ts')).setforward(call),
    forOthers: true,
  },
  printforward: {
    usage: '< table.cdb',
    about: 'show a table of fastforward as text',
    run: async (call) => (await import('../tools/qmail/forward-tables.ts')).printforward(call),
  },
  newaliases: {
    usage: '[/etc/aliases]',
    about: 'make a table for fastforward from aliases as sendmail has them',
    run: async (call, config) =>
      (await import('../tools/qmail/forward-tables.ts')).newaliases(call, config),
    forOthers: true,
  },
  newinclude: {
    usage: 'list',
    about: 'make list.bin, which is :include:list in an alias',
    run: async (call, config) =>
      (await import('../tools/qmail/forward-tables.ts')).newinclude(call, config),
    forOthers: true,
  },
  condredirect: {
    usage: 'address program [arg ...]',
    about: 'send the message on, and nowhere else, if the program says so',
    run: async (call) => (await import('../tools/qmail/conditions.ts')).condredirect(call),
  },
  bouncesaying: {
    usage: 'text [program [arg ...]]',
    about: 'refuse the message for good with this text, if the program says so',
    run: async (call) => (await import('../tools/qmail/conditions.ts')).bouncesaying(call),
  },
  except: {
    usage: 'program [arg ...]',
    about: 'fail for good where the program succeeds, and the other way round',
    run: async (call) => (await import('../tools/qmail/conditions.ts')).except(call),
  },
  preline: {
    usage: '[-frd] program [arg ...]',
    about: 'give the message to a program, with From_, Return-Path and Delivered-To lines',
    run: async (call) => (await import('../tools/qmail/preline.ts')).preline(call),
  },
  predate: {
    usage: 'program [arg ...]',
    about: 'give the message to a program, with a Date field',
    run: async (call) => (await import('../tools/qmail/preline.ts')).predate(call),
  },
  datemail: {
    usage: '[arg ...]',
    about: 'sendmail, with a Date field',
    run: async (call) => (await import('../tools/qmail/preline.ts')).datemail(call),
  },
  qreceipt: {
    usage: 'address',
    about: 'tell the sender that it arrived, where the message asks for that',
    run: async (call) => (await import('../tools/qmail/qreceipt.ts')).qreceipt(call),
  },
  maildirmake: {
    usage: 'folder',
    about: 'make a Maildir',
    run: async (call) => (await import('../tools/qmail/maildirs.ts')).maildirmake(call),
  },
  safecat: {
    usage: 'tmp new',
    about: 'write standard input into a folder, wholly or not at all, and print the name',
    run: async (call) => (await import('../tools/qmail/maildirs.ts')).safecat(call),
  },
  maildirsmtp: {
    usage: 'folder prefix host helohost',
    about: 'send the mail in a Maildir to the one host it waits for, by SMTP',
    run: async (call, config) =>
      (await import('../tools/qmail/serialmail.ts')).maildirsmtp(call, config),
  },
  maildirqmtp: {
    usage: 'folder prefix host',
    about: 'the same by QMTP',
    run: async (call, config) =>
      (await import('../tools/qmail/serialmail.ts')).maildirqmtp(call, config),
  },
  setlock: {
    usage: '[-nNxX] file program [arg ...]',
    about: 'run a program while holding the lock on a file',
    run: async (call) => (await import('../tools/qmail/setlock.ts')).setlock(call),
  },
  autorespond: {
    usage: 'seconds number text folder [flag from]',
    about: 'answer the message, if its sender was not answered that often in that time',
    run: async (call) => (await import('../tools/qmail/autorespond.ts')).autorespond(call),
  },
}
