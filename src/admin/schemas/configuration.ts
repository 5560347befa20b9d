/** The files of the configuration: read, tried, written, and how they came to be as they are. */
import { Type, type Static } from 'typebox'
import { Check, Count, Instant, listOf, next, pageQuery, record } from './shapes.ts'

export const FilePath = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'Below the configuration folder, such as control/locals',
})

export const ConfigurationFile = record(
  {
    path: Type.String(),
    sizeBytes: Count,
    modifiedAt: Instant,
    editable: Type.Boolean(),
    secret: Type.Boolean({ description: 'Its text never leaves the server' }),
  },
  'ConfigurationFile',
)
export const ConfigurationFiles = record({ files: listOf(ConfigurationFile) }, 'ConfigurationFiles')
export const FileQuery = record({ path: FilePath })
export const FileText = record(
  { path: Type.String(), text: Type.String(), etag: Type.String() },
  'FileText',
)
export const FileChange = record({
  path: FilePath,
  text: Type.String({ maxLength: 1_000_000 }),
  note: Type.Optional(Type.String({ maxLength: 500, description: 'Why, for the history' })),
})

/** What a change would do. Nothing has been written. */
export const Preview = record(
  {
    path: Type.String(),
    etag: Type.String({ description: 'Of the text as it is: If-Match of the change' }),
    changed: Type.Boolean(),
    diff: Type.String({ description: 'Unified' }),
    check: Check,
    sound: Type.Boolean({ description: 'False: it would be refused' }),
  },
  'Preview',
)
/** The change is on the disk; a running gateway follows its files. */
export const Change = record(
  {
    path: Type.String(),
    etag: Type.String(),
    changed: Type.Boolean(),
    diff: Type.String(),
    check: Check,
    id: Type.Optional(Type.String({ description: 'In the history' })),
  },
  'Change',
)
export const HistoryItem = record(
  {
    id: Type.String(),
    at: Instant,
    by: Type.String(),
    path: Type.String(),
    note: Type.Optional(Type.String()),
    added: Count,
    removed: Count,
  },
  'HistoryItem',
)
export const HistoryQuery = record({ ...pageQuery, path: Type.Optional(FilePath) })
export const HistoryPage = record({ items: listOf(HistoryItem), next }, 'HistoryPage')
export const HistoryDetails = record(
  { ...HistoryItem.properties, diff: Type.String() },
  'HistoryDetails',
)

export type ConfigurationFile = Static<typeof ConfigurationFile>
export type ConfigurationFiles = Static<typeof ConfigurationFiles>
export type FileText = Static<typeof FileText>
export type FileChange = Static<typeof FileChange>
export type Preview = Static<typeof Preview>
export type Change = Static<typeof Change>
export type HistoryItem = Static<typeof HistoryItem>
export type HistoryPage = Static<typeof HistoryPage>
export type HistoryDetails = Static<typeof HistoryDetails>
