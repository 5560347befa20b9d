/** How programs of the qmail world name a system error: scripts compare these words. By its errno name. */
const words: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'access denied'],
  ['EBADF', 'file descriptor not open'],
  ['EBUSY', 'device busy'],
  ['EEXIST', 'file already exists'],
  ['EFBIG', 'file too big'],
  ['EINVAL', 'invalid argument'],
  ['EIO', 'input/output error'],
  ['EISDIR', 'is a directory'],
  ['ELOOP', 'symbolic link loop'],
  ['EMFILE', 'process cannot open more files'],
  ['ENAMETOOLONG', 'file name too long'],
  ['ENFILE', 'system cannot open more files'],
  ['ENODEV', 'device not configured'],
  ['ENOENT', 'file does not exist'],
  ['ENOMEM', 'out of memory'],
  ['ENOSPC', 'disk full'],
  ['ENOTDIR', 'not a directory'],
  ['ENOTEMPTY', 'directory not empty'],
  ['EPERM', 'permission denied'],
  ['EPIPE', 'broken pipe'],
  ['EPROTO', 'protocol error'],
  ['EROFS', 'read-only file system'],
  ['ETXTBSY', 'text busy'],
  ['EXDEV', 'cross-device rename'],
])

export function errorWords(errno: string): string {
  return words.get(errno) ?? 'unknown error'
}
