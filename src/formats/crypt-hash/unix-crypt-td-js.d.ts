/** The types of a package that brings none; tsconfig.json maps its name to this file. */

/** @param password bytes; a text would be taken apart wrongly. @returns 13 characters */
declare function desCrypt(password: readonly number[], salt: string): string
export { desCrypt as default }
