/** What is written beside the code points at what is there. */
import { posix } from 'node:path'
import type { Complaint } from './complaint.ts'
import { folderOf, type Tree } from './tree.ts'

/** Links in pages lead to files, folders and headings of the tree; names of source files in them are names of some. */
export function checkPages(tree: Tree): readonly Complaint[] {
  const sources = new Set([...tree.keys()].filter((path) => path.endsWith('.ts')))
  const named = new Set([...sources].flatMap((path) => tails(path)))
  return [...tree]
    .filter(([path]) => path.endsWith('.md') && path !== 'CHANGELOG.md')
    .flatMap(([path, text]) =>
      text.split('\n').flatMap((line, index) =>
        [...brokenLinks(tree, path, line), ...strangers(named, line)].map((problem) => ({
          file: path,
          line: index + 1,
          problem,
          remedy: 'Say what is so now',
        })),
      ),
    )
}

function brokenLinks(tree: Tree, page: string, line: string): readonly string[] {
  return [...line.matchAll(/\]\(([^)\s#]*)(?:#([^)\s]+))?\)/g)].flatMap(([, link = '', anchor]) => {
    if (/^[a-z]+:/.test(link)) return []
    const target = link === '' ? page : posix.join(folderOf(page), link).replace(/\/$/, '')
    const text = tree.get(target)
    if (text === undefined)
      return isFolder(tree, target) ? [] : [`points at ${link}, which is not there`]
    return anchor === undefined || headings(text).has(anchor)
      ? []
      : [`points at #${anchor}, which is no heading of ${target}`]
  })
}

function isFolder(tree: Tree, path: string): boolean {
  return path === '.' || [...tree.keys()].some((each) => each.startsWith(`${path}/`))
}

/** As a page of Markdown is shown: small letters, hyphens for blanks, nothing else. */
function headings(text: string): ReadonlySet<string> {
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** Source files that are named in a line, as `x.ts` or `room/x.ts`, and are none. */
function strangers(named: ReadonlySet<string>, line: string): readonly string[] {
  return [...line.matchAll(/`([\w-]+(?:[./][\w-]+)*\.ts)`/g)].flatMap(([, name = '']) =>
    named.has(name) ? [] : [`names ${name}, which is not there`],
  )
}

/** `src/queue/log.ts` may be called so, `queue/log.ts`, and `log.ts`. */
function tails(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(index).join('/'))
}
