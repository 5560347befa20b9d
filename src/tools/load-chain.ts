/** From a configuration to a generation of the chain: loads the plugins, checks every entry; all mistakes at once. */
import type { Configuration } from '../config/configuration.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { buildGeneration, type GenerationRequest } from '../filter/build-generation.ts'
import type { EntryConfig } from '../filter/entry.ts'
import type { Generation } from '../filter/generation.ts'
import { loadEntries } from '../filter/load-entries.ts'
import type { PluginLoader } from '../filter/loader.ts'
import type { OptionResources } from '../plugin/option.ts'
import type { ChainDoors } from '../filter/entry-doors.ts'
import { posternVersion } from './version.ts'

export interface ChainRequest {
  readonly configuration: Configuration
  readonly loader: PluginLoader
  readonly doors: ChainDoors
  readonly resources: OptionResources
}

export interface LoadedChain {
  /** Not open yet. Missing where there are mistakes. */
  readonly generation?: Generation
  readonly mistakes: readonly Mistake[]
  readonly doubts: readonly Mistake[]
}

export async function loadChain(request: ChainRequest): Promise<LoadedChain> {
  const { configuration, loader } = request
  const { entries, mistakes } = await loadEntries(loader, configuration.chain)
  const built = buildGeneration(generationRequest(entries, request))
  if (!built.ok) return { mistakes: [...mistakes, ...built.mistakes], doubts: [] }
  const { generation, doubts } = built
  return mistakes.length > 0 ? { mistakes, doubts } : { generation, mistakes, doubts }
}

/** A generation of these entries, with everything else as the configuration has it. */
export function generationRequest(
  entries: readonly EntryConfig[],
  { configuration, doors, resources }: Omit<ChainRequest, 'loader'>,
): GenerationRequest {
  return {
    entries,
    doors,
    resources,
    keepsAnswers: configuration.traces.answers,
    thresholds: configuration.thresholds,
    thresholdRules: configuration.thresholdRules,
    tagging: configuration.tagging,
    receiver: { ...configuration.receiver, version: posternVersion() },
    listeners: configuration.listeners.map(({ name, role, tls, receiver, place }) => {
      return { name, role, tls: tls !== undefined, options: receiver, place }
    }),
  }
}
