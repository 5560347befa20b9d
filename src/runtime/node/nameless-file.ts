import { randomUUID } from 'node:crypto'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'

/**
 * A file without a name, for a process that is given its descriptor: it is at its beginning, and can be read anew.
 * @throws what the disk or the content throws
 */
export async function namelessFile(content: AsyncIterable<Uint8Array>): Promise<FileHandle> {
  const path = `${tmpdir()}/postern-${randomUUID()}`
  const file = await open(path, 'wx+', 0o600)
  try {
    await unlink(path)
    let position = 0
    for await (const chunk of content) position += await writeAt(file, chunk, position)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Writing at a position leaves the descriptor where it is: at the beginning. */
async function writeAt(file: FileHandle, chunk: Uint8Array, position: number): Promise<number> {
  let written = 0
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(
      chunk,
      written,
      chunk.length - written,
      position + written,
    )
    written += bytesWritten
  }
  return written
}
