/**
 * The options of a plugin: one declaration gives the type, the validation with line numbers, the JSON Schema for
 * editors and forms, and the tcp.smtp variable that overrides it for a client.
 */
import type { TSchema } from 'typebox'
import type { JsonValue } from '../mail/json.ts'
import type { Networks } from './networks.ts'
import type { CdbTable, FileTemplate, FollowedFile, Table } from './table.ts'

/** A value, or what is wrong and what would be right. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string; readonly remedy: string }

/** What options that stand for a file are opened with. */
export interface OptionResources {
  file(path: string): FollowedFile
  table(path: string): Table
  cdb(path: string): CdbTable
  /** The same for one configuration after the other: what a file held that was of use may be kept by it. */
  readonly lineage?: object
}

export interface Option<T> {
  readonly schema: TSchema
  /** Names the kind for people: `duration`, `list of networks`. */
  readonly type: string
  readonly description?: string
  /** As it would be written in the file; absent: the option must be given. */
  readonly default?: JsonValue
  /** The tcp.smtp variable that overrides it. */
  readonly env?: string
  /** Its value opens something elsewhere: whoever shows options shows `***`; of `NAME=value` what is behind the sign. */
  readonly secret?: true
  /** From the file's value. */
  parse(value: JsonValue, resources: OptionResources): Parsed<T>
  /** From the text of a variable, as the file's value. */
  fromText(text: string): Parsed<JsonValue>
}

export type OptionShape = { readonly [name: string]: Option<unknown> }
export type OptionValues<O extends OptionShape> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never
}

export interface OptionSettings<J extends JsonValue> {
  readonly default?: J
  readonly env?: string
  readonly description?: string
}

export interface ChoiceSettings<C extends string> extends OptionSettings<C> {
  /** What the variable may say instead of a choice, as qmail's 0 and 1. */
  readonly words?: Readonly<Record<string, C>>
}

/** The makers, one for each kind of option. */
export interface OptionMakers {
  string(settings?: OptionSettings<string> & { readonly maxLength?: number }): Option<string>
  /** A text that nobody is shown, in no message about mistakes either. Rather take the path of a file: `option.file`. */
  secret(settings?: OptionSettings<string> & { readonly maxLength?: number }): Option<string>
  choice<const C extends string>(choices: readonly C[], settings?: ChoiceSettings<C>): Option<C>
  boolean(settings?: OptionSettings<boolean>): Option<boolean>
  integer(
    settings?: OptionSettings<number> & { readonly min?: number; readonly max?: number },
  ): Option<number>
  number(
    settings?: OptionSettings<number> & { readonly min?: number; readonly max?: number },
  ): Option<number>
  /** `30s`, `5m`, `2h`, `7d`, `250ms`; the value is in milliseconds. */
  duration(settings?: OptionSettings<string>): Option<number>
  /** `25MB`, `512KB`, plain bytes; the value is in bytes. */
  size(settings?: OptionSettings<string | number>): Option<number>
  strings(
    settings?: OptionSettings<readonly string[]> & { readonly secret?: true },
  ): Option<readonly string[]>
  networks(settings?: OptionSettings<readonly string[]>): Option<Networks>
  /** A text file of keys, one a line, an optional value after blanks; relative to the configuration folder. */
  table(settings?: OptionSettings<string>): Option<Table>
  cdb(settings?: OptionSettings<string>): Option<CdbTable>
  file(settings?: OptionSettings<string>): Option<FollowedFile>
  /** Paths in which `%` stands for a domain: `dkim/%/default`. */
  templates(settings?: OptionSettings<readonly string[]>): Option<readonly FileTemplate[]>
}
