import type { Story } from '../trace/story.ts'
import { readOffline } from './read-offline.ts'
import { readTraces } from './read-traces.ts'

/**
 * The explanation of one transaction, read beside a running gateway as well as without one.
 * @param which a transaction, session or queue id, a Message-ID, or `last`
 * @throws PosternError NOT_FOUND where nothing was ever recorded
 */
export async function findTrace(folder: string, which: string): Promise<Story | undefined> {
  const search = await readTraces(readOffline(folder))
  try {
    return await search.read(which)
  } finally {
    await search.close()
  }
}
