/** What tcp.smtp variables do, and what one client would get: for `postern env`. Works on the configuration alone. */
import ipaddr from 'ipaddr.js'
import type { Configuration } from '../config/configuration.ts'
import {
  unsupportedVariables,
  variableFamilies,
  variablesForPrograms,
} from '../config/other-variables.ts'
import { clientLimitOptions } from '../filter/client-limits.ts'
import { receiverOptions } from '../filter/receiver-settings.ts'
import { findTcpRule, type TcpClient } from '../formats/tcprules-lookup.ts'
import type { JsonValue } from '../mail/json.ts'
import type { Mistake } from '../plugin/mistake.ts'
import type { OptionShape } from '../plugin/option.ts'
import type { Plugin } from '../plugin/plugin.ts'
import { readFolder } from './read-offline.ts'
import { trustedLoader } from './trusted-loader.ts'

/** Who reads a variable. */
export interface VariableReader {
  /** `receiver`, `listener`, `login`, or the name of a plugin. */
  readonly by: string
  /** Absent where it is no option. */
  readonly option?: string
  readonly default?: JsonValue
  readonly description: string
  /** Of a plugin: the entries of the chain that use it; a plugin without any reads nothing. */
  readonly entries?: readonly string[]
}

export interface ListedVariable {
  readonly name: string
  readonly readers: readonly VariableReader[]
  /** Why nobody reads it, where that is known. */
  readonly unread?: string
}

export interface EnvironmentTable {
  readonly mistakes: readonly Mistake[]
  /** By name. */
  readonly variables: readonly ListedVariable[]
}

/** What a rule gives a client. */
export interface ClientVariable extends ListedVariable {
  readonly value: string
}

export interface ClientListing {
  readonly mistakes: readonly Mistake[]
  /** Absent where no rule matches: then the client is allowed, without variables. */
  readonly rule?: { readonly address: string; readonly file: string; readonly line?: number }
  readonly action: 'allow' | 'deny'
  /** In the order of the rule. */
  readonly variables: readonly ClientVariable[]
}

/** Every variable that an option, a plugin or the qmail world knows. */
export async function environmentTable(folder: string): Promise<EnvironmentTable> {
  const { configuration, mistakes } = readFolder(folder)
  if (configuration === undefined) return { mistakes, variables: [] }
  return { mistakes, variables: await listVariables(configuration) }
}

/** What the rules of `folder` say of a client, and what each of its variables does. */
export async function clientListing(folder: string, client: TcpClient): Promise<ClientListing> {
  const { configuration, mistakes } = readFolder(folder)
  if (configuration === undefined) return { mistakes, action: 'allow', variables: [] }
  // As the receiver has it: IPv4 that came in by an IPv6 socket is IPv4.
  const ip = ipaddr.isValid(client.ip) ? ipaddr.process(client.ip).toString() : client.ip
  const found = findTcpRule(configuration.tcpRules, { ...client, ip })
  if (found === undefined) return { mistakes, action: 'allow', variables: [] }
  const listed = await listVariables(configuration)
  const { key, line } = found.rule
  return {
    mistakes,
    rule: {
      address: key,
      file: configuration.tcpRulesFile,
      ...(line === undefined ? {} : { line }),
    },
    action: found.action,
    variables: [...found.environment].map(([name, value]) => {
      return { ...(listed.find((each) => each.name === name) ?? ofFamily(name)), value }
    }),
  }
}

/** Each with who would read it. */
export async function listVariables(
  configuration: Configuration,
): Promise<readonly ListedVariable[]> {
  const { chain } = configuration
  const table = new Map<string, VariableReader[]>()
  const add = (name: string, reader: VariableReader): void => {
    const readers = table.get(name)
    if (readers === undefined) table.set(name, [reader])
    else readers.push(reader)
  }
  const addOptions = (by: string, shape: OptionShape, more: Partial<VariableReader>): void => {
    for (const [option, { env, description = '', ...rest }] of Object.entries(shape)) {
      if (env === undefined) continue
      const usual = rest.default === undefined ? {} : { default: rest.default }
      add(env, { by, option, ...usual, description, ...more })
    }
  }
  addOptions('receiver', receiverOptions, {})
  addOptions('listener', clientLimitOptions, {})
  for (const plugin of await pluginsIn(configuration)) {
    const using = chain.filter((entry) => entry.plugin === plugin.name && entry.mode !== 'off')
    const entries = using.map(({ name }) => name)
    addOptions(plugin.name, plugin.options ?? {}, { entries })
    for (const [name, description] of Object.entries(plugin.variables ?? {})) {
      add(name, { by: plugin.name, description, entries })
    }
  }
  for (const [name, description] of variableFamilies) {
    add(`${name}X`, { by: 'login', description })
  }
  for (const name of [...unsupportedVariables.keys(), ...variablesForPrograms.keys()]) {
    if (!table.has(name)) table.set(name, [])
  }
  return [...table]
    .map(([name, readers]) => ({ name, readers, ...unreadBecause(name) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Plugins that do not load are the business of `postern check`. */
async function pluginsIn(configuration: Configuration): Promise<readonly Plugin[]> {
  const loader = trustedLoader(configuration)
  try {
    const loaded = await Promise.all((await loader.names()).map((name) => loader.load(name)))
    return loaded.flatMap((each) => (each.loaded === 'plugin' ? [each.plugin] : []))
  } finally {
    loader.close()
  }
}

function unreadBecause(name: string): { readonly unread?: string } {
  const unread = unsupportedVariables.get(name) ?? variablesForPrograms.get(name)
  return unread === undefined ? {} : { unread }
}

/** A variable that the table does not have: of a family, or for programs alone. */
function ofFamily(name: string): ListedVariable {
  for (const [family, description] of variableFamilies) {
    if (name.startsWith(family)) return { name, readers: [{ by: 'login', description }] }
  }
  return { name, readers: [], unread: 'no option has it; programs that an entry runs see it' }
}
