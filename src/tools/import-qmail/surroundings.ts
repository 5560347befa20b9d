/** What stands around a qmail: cron jobs, log services, permissions, files that are out of date. */
import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'
import type { Service } from './services.ts'

/** What jobs are for, by what stands in their command. */
const jobs: readonly (readonly [pattern: RegExp, what: string, remark: string])[] = [
  [
    /qmail-scanner-queue(?:\.pl)? +-[a-z]*z/,
    'Qmail-Scanner cleans up',
    'needless: quarantine.max_age',
  ],
  [
    /qmail-scanner-queue(?:\.pl)? +-[a-z]*g/,
    'Qmail-Scanner compiles its events',
    'needless: the text is followed',
  ],
  [/jgreylist-clean/, 'jgreylist forgets clients', 'needless: the greylist forgets by itself'],
  [
    /update-qmail|mkvalidrcptto|mkauth/,
    'auth.cdb and validrcptto.cdb are made anew',
    'keep it while vpopmail or the system has the users, with postern mkauth and postern mkvalidrcptto; a restart is needless',
  ],
  [/clearopensmtp/, 'POP-before-SMTP expires', 'needless: logins take its place'],
  [/tcprules/, 'rules for clients are compiled', 'needless: tcp.smtp is followed as text'],
  [/freshclam|sa-update/, 'scanners learn', 'keep it: the scanner needs it'],
  [/ezmlm-(?:cron|tstdig|warn)/, 'mailing lists do their rounds', 'keep it'],
  [
    /isoqlog|qmailmrtg|qmailanalog|matchup|qlogtools/,
    'logs are made into reports',
    'log.also with format: qmail writes the lines that they read; or postern analog',
  ],
  [/qmail(?:ctl)?\b|\/service\/|svc /, 'something is done with qmail', 'look at what it does'],
]

export async function importSurroundings(
  installation: Installation,
  services: readonly Service[],
  findings: ImportFindings,
): Promise<void> {
  await readJobs(installation, findings)
  readLogs(services, findings)
  await judgePermissions(installation, findings)
}

async function readJobs(installation: Installation, findings: ImportFindings): Promise<void> {
  const folders = ['/etc/cron.d', '/etc/cron.hourly', '/etc/cron.daily', '/etc/cron.weekly']
  const more = ['/var/spool/cron', '/var/spool/cron/crontabs']
  const paths = ['/etc/crontab']
  for (const folder of [...folders, ...more]) {
    // oxlint-disable-next-line no-await-in-loop -- six folders
    const names = await installation.names(folder)
    paths.push(...names.slice(0, 200).map((name) => `${folder}/${name}`))
  }
  for (const path of paths) {
    for (const [index, line] of (installation.text(path) ?? '').split('\n').entries()) {
      if (line.trimStart().startsWith('#')) continue
      const job = jobs.find(([pattern]) => pattern.test(line.slice(0, 1000)))
      if (job === undefined) continue
      const [, what, remark] = job
      findings.difference(`cron job: ${what}`, `${path}:${index + 1}`, { remark })
    }
  }
}

function readLogs(services: readonly Service[], findings: ImportFindings): void {
  for (const { line, source } of services) {
    const last = line.programs.at(-1)
    if (last === undefined) continue
    if (last.name === 'multilog' || last.args.some((arg) => /^(?:.*\/)?splogger$/.test(arg))) {
      const folder = last.args.filter((arg) => /^[./]/.test(arg)).join(' ')
      const where = last.name === 'multilog' ? `multilog ${folder}` : 'splogger'
      const remark =
        'the log is one line of JSON for each event, on the standard error; log.also keeps folders as multilog does'
      findings.difference(`the log goes to ${where}`, source, { to: 'log', remark })
    }
  }
}

const writableByAll = 0o002
const readableByAll = 0o004

async function judgePermissions(
  installation: Installation,
  findings: ImportFindings,
): Promise<void> {
  const folders = ['control', 'users', 'alias']
  const secrets = new Set(['auth.cdb', 'servercert.pem', 'clientcert.pem', 'srs.secret'])
  // oxlint-disable no-await-in-loop -- a few dozen files
  for (const folder of folders) {
    const names = await installation.names(`/var/qmail/${folder}`)
    for (const name of ['', ...names.slice(0, 1000)]) {
      const path = `/var/qmail/${folder}${name === '' ? '' : `/${name}`}`
      const stat = await installation.stat(path)
      if (stat === undefined) continue
      if ((stat.mode & writableByAll) !== 0 && (stat.mode & 0o1000) === 0) {
        findings.dangerous(`everybody may write ${path}`, path, `chmod o-w ${path}`)
      }
      if (secrets.has(name) && (stat.mode & readableByAll) !== 0) {
        findings.dangerous(
          `everybody may read ${path}`,
          path,
          `chmod o-r ${path}; it holds secrets`,
        )
      }
    }
  }
  // oxlint-enable no-await-in-loop
}
