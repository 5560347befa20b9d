/** The pages as they were built. What has a hash in its name never changes; the rest is asked for anew each time. */
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { apiPrefix } from './api-prefix.ts'
import { firstRequestsOf } from './first-requests.ts'
import type { Permission } from './permissions.ts'

const unbuilt =
  `The pages are not built: npm run build. The API is at ${apiPrefix}; ` +
  `its document is ${apiPrefix}/openapi.json\n`

/**
 * @param folder with index.html and assets/; undefined where nobody has built them
 * @param how.rightsOf what whoever asks for a page may do
 * @param how.absent answers what is no page, and has no route either
 */
export async function servePages(
  app: FastifyInstance,
  folder: string | undefined,
  {
    rightsOf,
    absent,
  }: {
    readonly rightsOf: (request: FastifyRequest) => ReadonlySet<Permission>
    readonly absent: (request: FastifyRequest, reply: FastifyReply) => FastifyReply
  },
): Promise<void> {
  if (folder !== undefined) {
    await app.register(fastifyStatic, {
      root: folder,
      cacheControl: false,
      index: false,
      dotfiles: 'deny',
      setHeaders: (response, path) => {
        const hashed = /[/\\]assets[/\\]/.test(path)
        response.header(
          'cache-control',
          hashed ? 'public, max-age=31536000, immutable' : 'no-cache',
        )
      },
    })
  }
  const page = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    if (folder === undefined) return reply.type('text/plain; charset=utf-8').send(unbuilt)
    const links = firstRequestsOf(request.url, rightsOf(request))
    if (links !== undefined) reply.header('link', links)
    return reply.sendFile('index.html')
  }
  // For the folder itself the plugin would say 403.
  app.get('/', page)
  app.setNotFoundHandler((request, reply) => {
    const isPage =
      request.method === 'GET' &&
      !/^\/(?:api|assets)\//.test(request.url) &&
      request.headers.accept?.includes('text/html') === true
    return isPage ? page(request, reply) : absent(request, reply)
  })
}
