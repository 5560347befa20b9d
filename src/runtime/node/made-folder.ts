import fs from 'node:fs'

/** A folder for its owner alone, which must not be there yet. @throws an error of the system, whose name `errnoOf` tells */
export function makeFolder(path: string): void {
  fs.mkdirSync(path, 0o700)
}
