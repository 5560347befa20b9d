/** Who receives mail: users/, the aliases, and the domains of a vpopmail. */
import { latin1, latin1Bytes } from '../../formats/octets.ts'
import { programName } from '../../formats/run-script/shell-builtins.ts'
import { planImport, type PlannedImport } from '../import-vpopmail.ts'
import { readVpopmail } from '../read-vpopmail.ts'
import type { ConfigFiles } from './config-files.ts'
import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'
import type { WrittenEntry } from './written-config.ts'

const usersFolder = '/var/qmail/users'
const aliasFolder = '/var/qmail/alias'
const userFiles = ['assign', 'cdb', 'append', 'exclude', 'include', 'mailnames', 'subusers']
const mostAliases = 10_000

export async function importPeople(
  installation: Installation,
  files: ConfigFiles,
  findings: ImportFindings,
): Promise<void> {
  for (const name of userFiles) {
    const bytes = installation.bytes(`${usersFolder}/${name}`)
    if (bytes === undefined) continue
    files.copy(`users/${name}`, bytes)
    findings.mapped(`users/${name}`, `${usersFolder}/${name}`, `users/${name}`)
  }
  if (installation.exists(`${usersFolder}/assign`) && !installation.exists(`${usersFolder}/cdb`)) {
    const remark = 'qmail-lspawn reads only the cdb; here the text counts where there is none'
    findings.difference('users/cdb is missing', `${usersFolder}/assign`, {
      to: 'users/assign',
      remark,
    })
  }
  await importAliases(installation, files, findings)
}

async function importAliases(
  installation: Installation,
  files: ConfigFiles,
  findings: ImportFindings,
): Promise<void> {
  const names = (await installation.names(aliasFolder)).filter((name) => name.startsWith('.qmail'))
  for (const name of names.slice(0, mostAliases)) {
    const path = `${aliasFolder}/${name}`
    const bytes = installation.bytes(path)
    if (bytes === undefined) {
      findings.unsupported(`alias/${name}`, path, 'it cannot be read')
      continue
    }
    files.copy(`alias/${name}`, bytes)
    findings.mapped(`alias/${name}`, path, `alias/${name}`)
  }
  for (const needed of ['postmaster', 'mailer-daemon', 'root']) {
    if (names.includes(`.qmail-${needed}`) || names.includes('.qmail-default')) continue
    const remark = `mail for ${needed} bounces unless there is a user of that name (RFC 5321 section 4.5.1 wants a postmaster)`
    findings.dangerous(`nobody reads mail for ${needed}`, aliasFolder, remark)
  }
}

export interface ImportedVpopmail {
  readonly plan: PlannedImport
  readonly home: string
}

/** vchkpw asks the vpopmail that is left behind: where all of its users are accounts now, they log in without it. */
export function withoutVchkpw(
  chain: readonly WrittenEntry[],
  vpopmail: ImportedVpopmail | undefined,
  findings: ImportFindings,
): readonly WrittenEntry[] {
  if (vpopmail === undefined || unpeopled(vpopmail.plan).length > 0) return chain
  return chain.map((each) => {
    const command = each.options.get('command')?.value
    const program = Array.isArray(command) ? String(command[0]) : ''
    if (each.plugin !== 'checkpassword' || programName(program) !== 'vchkpw') return each
    const remark = 'the entry checkpassword that asks it is off: its users log in as accounts now'
    findings.difference(program, vpopmail.home, { to: 'accounts', remark })
    return { ...each, settings: { ...each.settings, mode: 'off' } }
  })
}

/** Domains in which nobody gets mail. */
function unpeopled({ domains, users, aliases }: PlannedImport): readonly string[] {
  const peopled = new Set(
    [...users.map(({ user }) => user), ...aliases.map(({ address }) => address)].map((address) =>
      address.slice(address.lastIndexOf('@') + 1),
    ),
  )
  return domains
    .filter(({ name, catchAll }) => catchAll === 'bounce' && !peopled.has(name))
    .map(({ name }) => name)
}

/** The home is where users/assign has the domains; undefined where there is none. */
export async function importVpopmail(
  installation: Installation,
  files: ConfigFiles,
  findings: ImportFindings,
): Promise<ImportedVpopmail | undefined> {
  const assign = latin1(installation.bytes(`${usersFolder}/assign`) ?? new Uint8Array())
  const [, home] =
    /^\+[^:\n]*:[^:\n]*:\d+:\d+:(\/[^:\n]*)\/domains\/[^:\n]+:-?:/m.exec(assign) ?? []
  if (home === undefined) return undefined
  if (!installation.exists(`${home}/domains`)) {
    findings.unsupported(
      `the vpopmail in ${home}`,
      `${usersFolder}/assign`,
      'its folder cannot be read',
    )
    return undefined
  }
  const plan = planImport(
    await readVpopmail(installation.reader(), {
      home: installation.locate(home),
      assign: installation.locate(`${usersFolder}/assign`),
    }),
  )
  const { domains, domainAliases, users, aliases, doubts } = plan
  for (const { name } of domains) {
    const remark = `its users are accounts now; copy ${home}/domains/${name}/USER/Maildir to the maildirs of postern.yaml`
    findings.difference(`the vpopmail domain ${name}`, home, { to: 'accounts', remark })
  }
  for (const { name, domain } of domainAliases) {
    findings.mapped(`${name}, another name of the vpopmail domain ${domain}`, home, 'accounts')
  }
  for (const name of unpeopled(plan)) {
    const remark =
      'no vpasswd was found, so they are in a database, most likely: every address is refused until postern import-vpopmail has read its dump (--dump)'
    findings.dangerous(`the vpopmail domain ${name} has no users`, `${home}/domains`, remark)
  }
  findings.mapped(
    `${users.length} users and ${aliases.length} aliases of vpopmail`,
    home,
    'accounts',
  )
  for (const doubt of doubts) findings.unsupported(doubt, home, 'see postern import-vpopmail')
  withoutDomains(files, new Set([...domains, ...domainAliases].map(({ name }) => name)))
  return { plan, home }
}

/** Their lines go: the accounts decide now. */
function withoutDomains(files: ConfigFiles, domains: ReadonlySet<string>): void {
  const keep = (name: string, isOf: (line: string) => string | undefined): void => {
    const bytes = files.copies.get(name)
    if (bytes === undefined) return
    const lines = latin1(bytes)
      .split('\n')
      .filter((line) => !domains.has(isOf(line) ?? ''))
    files.make(name, latin1Bytes(lines.join('\n')))
  }
  keep('control/virtualdomains', (line) => line.split(':')[0]?.toLowerCase())
  keep('users/assign', (line) => /^\+([^:]*)-:/.exec(line)?.[1]?.toLowerCase())
  files.copies.delete('users/cdb')
}
