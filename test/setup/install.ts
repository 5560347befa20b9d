/**
 * Brings the components of components.ts onto a Debian machine, as root and only what is missing.
 * It says first what it will install, asks apt what that would entail, and refuses when a package
 * would be removed or a mail server would come. No service is started. Postfix and Exim are never
 * installed: their packages are unpacked into .cache, which needs no root.
 */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { objectionTo, parseProviders, parseSimulation, type Simulation } from './apt.ts'
import {
  components,
  findProgram,
  isUnpacked,
  servers,
  type Component,
  type UnpackedServer,
} from './components.ts'

const say = (line: string): boolean => process.stdout.write(`${line}\n`)

/** Installs what is missing where that is possible. Returns the names of what is missing still. */
export function installComponents(): readonly string[] {
  const packages = missingComponents().flatMap(([, component]) => component.packages)
  const debian = existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
  if (packages.length > 0) {
    if (debian && process.getuid?.() === 0)
      attempt(() => withRecentLists(() => installPackages(packages)))
    else
      say(`Some tests need programs that root can install: apt-get install ${packages.join(' ')}`)
  }
  for (const server of Object.values(servers).filter((each) => !isUnpacked(each))) {
    if (debian) attempt(() => withRecentLists(() => unpack(server)))
  }
  return [
    ...missingComponents().map(([name]) => name),
    ...Object.values(servers).flatMap((server) => (isUnpacked(server) ? [] : server.name)),
  ]
}

function missingComponents(): readonly (readonly [name: string, component: Component])[] {
  return Object.entries(components).filter(([, { program }]) => findProgram(program) === undefined)
}

/** A machine that cannot be helped is reported by what is missing afterwards, not by a crash. */
function attempt(step: () => void): void {
  try {
    step()
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
  }
}

function installPackages(packages: readonly string[]): void {
  say(`Tests need the Debian packages ${packages.join(' ')}`)
  const simulation = simulate(packages)
  const mailServers = parseProviders(run('apt-cache', ['showpkg', 'mail-transport-agent']))
  const objection = objectionTo(simulation, mailServers)
  if (objection !== undefined) {
    say(`Not installing them: ${objection}`)
    return
  }
  say(`Installing ${simulation.installs.join(' ')}`)
  withoutStartingServices(() =>
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages]),
  )
}

function simulate(packages: readonly string[]): Simulation {
  return parseSimulation(run('apt-get', ['-s', 'install', '--no-install-recommends', ...packages]))
}

/** Does `step`; where it fails because apt's lists are old, renews them and does it once more. */
function withRecentLists(step: () => void): void {
  try {
    step()
  } catch (error) {
    if (process.getuid?.() !== 0) throw error
    run('apt-get', ['update', '-q'])
    step()
  }
}

const policy = '/usr/sbin/policy-rc.d'
const keptPolicy = `${policy}.kept-by-postern-tests`
const ourPolicy =
  '#!/bin/sh\n# Placed by the Postern tests while apt installs: start nothing.\nexit 101\n'

/** Debian asks policy-rc.d before a package may start a service. While `step` runs the answer is no. */
function withoutStartingServices(step: () => void): void {
  const stay = (): void => undefined // Ctrl-C reaches apt as well; we stay to put things back.
  process.on('SIGINT', stay)
  process.on('SIGTERM', stay)
  if (existsSync(policy) && readFileSync(policy, 'utf8') !== ourPolicy) {
    renameSync(policy, keptPolicy)
  }
  try {
    writeFileSync(policy, ourPolicy, { mode: 0o755 })
    step()
  } finally {
    if (existsSync(keptPolicy)) renameSync(keptPolicy, policy)
    else rmSync(policy, { force: true })
    process.off('SIGINT', stay)
    process.off('SIGTERM', stay)
  }
}

/** With the libraries that this machine has not got. Nothing of it may run as somebody else (setuid). */
function unpack(server: UnpackedServer): void {
  const { name, root, packages } = server
  say(`Unpacking the programs of ${name} into ${root} (it is not installed)`)
  const libraries = simulate(packages).installs.filter((each) => each.startsWith('lib'))
  const fresh = `${root}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  const wanted = new Set([...packages, ...libraries])
  run('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', ...wanted], fresh)
  for (const archive of readdirSync(fresh).filter((each) => each.endsWith('.deb'))) {
    run('dpkg', ['-x', archive, '.'], fresh)
    rmSync(join(fresh, archive))
  }
  run('chmod', ['-R', 'u-s,g-s', '.'], fresh)
  if (server === servers.postfix) configurePostfix(fresh)
  rmSync(root, { recursive: true, force: true })
  renameSync(fresh, root)
}

/** The tools of Postfix read their own configuration before their arguments. */
function configurePostfix(root: string): void {
  copyFileSync(join(root, 'usr/share/postfix/main.cf.debian'), join(root, 'etc/postfix/main.cf'))
}

/** Runs a program to its end and returns what it printed. @throws Error with its complaint. */
function run(program: string, parameters: readonly string[], cwd = '/'): string {
  return execFileSync(program, parameters, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
  })
}
