import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The files the house rules are about, by their path from the root with `/` between the parts. */
export type Tree = ReadonlyMap<string, string>

export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url))

/** What .gitignore names: nothing of it is ever committed. */
const unkept = /^(?:\.git|\.cache|coverage|dist|spool|var)$|(?:^|\/)node_modules$/

const textFile =
  /\.(?:cjs|conf|css|html|js|json|md|mjs|py|service|sh|ts|tsx|txt|yaml|yml)$|(?:^|\/)(?:\.[\w-]+|LICENSE|Dockerfile|run|postern)$/

/** Reads every text file of the checkout that git would keep. */
export function readTree(root: string = repositoryRoot): Tree {
  const files = new Map<string, string>()
  const pending = [root]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const item of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, item.name)
      const name = relative(root, path).split(sep).join('/')
      // A worktree has a file .git, with a path in it.
      if (unkept.test(name)) continue
      if (item.isDirectory()) pending.push(path)
      if (item.isFile() && textFile.test(name)) files.set(name, readFileSync(path, 'utf8'))
    }
  }
  return new Map([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** `src/queue/log.ts` is in the folder `src/queue`. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

export function isTypeScript(path: string): boolean {
  return path.endsWith('.ts') || path.endsWith('.tsx')
}

/** Unit tests, and everything under test/: free of the rules about doors, not of the others. */
export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/')
}
