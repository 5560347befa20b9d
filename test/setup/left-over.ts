/** What a run of the tests leaves behind: temporary folders, and processes of this checkout. There should be none. */
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

/** The temporary folders that there are by now. */
export function temporaryFolders(): ReadonlySet<string> {
  return new Set(readdirSync(tmpdir()).filter((name) => name.startsWith('postern-')))
}

/** @param before the temporary folders that were there before the tests */
export function leftOver(before: ReadonlySet<string>): readonly string[] {
  const folders = [...temporaryFolders()].filter((name) => !before.has(name))
  return [...folders.map((name) => join(tmpdir(), name)), ...processes()]
}

/** Gateways, commands and their workers; none where there is no /proc. */
function processes(): readonly string[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        const line = commandLine(pid)
        return line.includes(`${checkout}src/`) ? [`process ${pid}: ${line}`] : []
      })
  } catch {
    return []
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    // It has ended meanwhile.
    return ''
  }
}
