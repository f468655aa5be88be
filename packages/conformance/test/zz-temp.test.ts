import { once } from 'node:events';
import { createRequire } from 'node:module';
import { describe, it } from 'vitest';
import { adapterCases, type Serve } from '../src/index.js';
const load = async (pkg: string, name: string) => import(createRequire(`/work/main/packages/adapter-${pkg}/package.json`).resolve(name));
const listen = async (server: any) => { await once(server, 'listening'); return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }; };
const serves: Record<string, Serve> = {
  express: async (options, report) => {
    const { default: express } = await load('express', 'express');
    const { phantomToken } = await import('../../adapter-express/src/index.js');
    const app = express().use(phantomToken(options)).use((q: any, r: any) => r.json(report(q.headers.authorization, q.accessToken)));
    return listen(app.listen(0, '127.0.0.1'));
  },
  fastify: async (options, report) => {
    const { default: fastify } = await load('fastify', 'fastify');
    const { phantomToken } = await import('../../adapter-fastify/src/index.js');
    const app = fastify();
    app.register(phantomToken(options) as any);
    app.all('*', (q: any) => report(q.headers.authorization, q.accessToken) as any);
    app.addContentTypeParser('*', (_q: any, _p: any, done: any) => done(null));
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
  },
  hono: async (options, report) => {
    const { Hono } = await load('hono', 'hono');
    const { serve } = await load('hono', '@hono/node-server');
    const { phantomToken } = await import('../../adapter-hono/src/index.js');
    const app = new Hono().use(phantomToken(options) as any).all('*', (c: any) => c.json(report(c.req.header('Authorization'), c.var.accessToken)));
    return listen(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }));
  },
};
for (const [name, serve] of Object.entries(serves)) describe(name, () => { for (const { title, run } of adapterCases) it(title, () => run(serve)); });
