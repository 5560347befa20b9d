import { isPasswordOfHash } from '../formats/crypt-hash/crypt-hash.ts'
import type { Job } from '../runtime/jobs.ts'
import type { PasswordQuestion } from './password-check.ts'

export const job: Job<PasswordQuestion, boolean> = ({ password, hash }) =>
  isPasswordOfHash(password, hash)
