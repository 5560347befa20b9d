/** The only file that asks the server. What is wrong comes as a ProblemError (RFC 9457), whoever said it. */
import type * as Schema from '../../schemas/shapes.ts'

/** As the server writes it; the status is 0 where nobody answered. */
export type Problem = Omit<Schema.Problem, 'type' | 'instance'>

export class ProblemError extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.detail ?? problem.title)
    this.problem = problem
  }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface AskOptions {
  readonly query?: Query
  readonly body?: unknown
  readonly signal?: AbortSignal
  /** The etag of what is changed: a change by somebody else meanwhile is not overwritten. */
  readonly ifMatch?: string
}

const apiRoot = '/api/v1'

const answerWithinMs = 60_000

export interface ApiWatcher {
  /** The server no longer knows the session. */
  onLoggedOut(): void
  /** Nobody answered. */
  onSilence(): void
}

export class ApiClient {
  /** Sent back with every change; the session brings it. */
  #csrf = ''
  readonly #watcher: ApiWatcher

  constructor(watcher: ApiWatcher) {
    this.#watcher = watcher
  }

  useToken(csrf: string): void {
    this.#csrf = csrf
  }

  /**
   * @param path below the API's root, with its parameters encoded
   * @throws ProblemError for every answer but a good one, and where there is none
   */
  async ask<T>(method: Method, path: string, options: AskOptions = {}): Promise<T> {
    const { query = {}, body, signal, ifMatch } = options
    const deadline = AbortSignal.timeout(answerWithinMs)
    const response = await this.#send(urlOf(path, query), {
      method,
      credentials: 'same-origin',
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'GET' ? {} : { 'x-csrf-token': this.#csrf }),
        ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
      },
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T
    const problem = await readProblem(response)
    if (response.status === 401) this.#watcher.onLoggedOut()
    throw new ProblemError(problem)
  }

  async #send(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, init)
    } catch (error) {
      if (init.signal?.aborted === true && !isTimeout(init.signal.reason)) throw error
      this.#watcher.onSilence()
      throw new ProblemError({
        status: 0,
        title: 'The gateway does not answer',
        detail: 'It may be restarting. Nothing was lost here: try again in a moment.',
      })
    }
  }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError'
}

export function urlOf(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value))
  }
  return `${apiRoot}${path}${search.size === 0 ? '' : `?${search.toString()}`}`
}

async function readProblem(response: Response): Promise<Problem> {
  const { status, statusText } = response
  const bare = { status, title: statusText === '' ? `Status ${status}` : statusText }
  const type = response.headers.get('content-type') ?? ''
  // Whatever else answers is not our API: a proxy, for instance. Its status is all that is known.
  if (!type.startsWith('application/problem+json')) return bare
  try {
    return { ...bare, ...((await response.json()) as Problem) }
  } catch {
    return bare
  }
}
