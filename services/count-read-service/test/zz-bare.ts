import { fastify } from 'fastify'
const app = fastify()
const json = JSON.stringify({ id: 'bench1', name: 'Count bench1', unit: 'views', tags: ['a', 'b'], value: 0, version: 1763900000000000, updatedAt: new Date().toISOString() })
app.get('/api/v1/counts/:id', async (request, reply) => { reply.header('content-type', 'application/json; charset=utf-8'); reply.header('etag', '"1763900000000000.33"'); return reply.send(json) })
await app.listen({ port: 18098, host: '127.0.0.1' })
