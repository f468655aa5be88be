import type { AddressInfo, Server } from 'node:net';
import { type HttpBindings, serve } from '@hono/node-server';
import { phantomToken as expressAdapter } from '@phantom-token/adapter-express';
import { phantomToken as fastifyAdapter } from '@phantom-token/adapter-fastify';
import { phantomToken as honoAdapter } from '@phantom-token/adapter-hono';
import type { PhantomTokenClient } from '@phantom-token/core';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { startAuthorizationServer } from './authorization-server.js';

// one framework in a process of its own, on three ports: bare, with a middleware that does nothing, and with our adapter;
// the handlers are async functions, as those of an API that waits for its data

/** What stands in front of the handlers. */
type Front = PhantomTokenClient | 'idle' | undefined;
type Start = (front: Front) => Promise<number>;

const portOf = (server: Server) =>
  new Promise<number>((resolve) => {
    if (server.listening) resolve((server.address() as AddressInfo).port);
    else server.once('listening', () => resolve((server.address() as AddressInfo).port));
  });

const frameworks: Readonly<Record<string, Start>> = {
  async express(front) {
    const app = express();
    if (front === 'idle') app.use((_request, _response, next) => next());
    else if (front) app.use(expressAdapter({ client: front }));
    app.get('/', async (_request, response) => void response.json({ ok: true }));
    app.get('/seen', (request, response) => void response.send(request.headers.authorization));
    return portOf(app.listen(0, '127.0.0.1'));
  },
  async fastify(front) {
    const app = Fastify();
    if (front === 'idle') app.addHook('onRequest', (_request, _reply, done) => done());
    else if (front) app.register(fastifyAdapter, { client: front });
    app.get('/', async () => ({ ok: true }));
    app.get('/seen', (request, reply) => reply.send(request.headers.authorization));
    await app.listen({ port: 0, host: '127.0.0.1' });
    return (app.server.address() as AddressInfo).port;
  },
  async hono(front) {
    const app = new Hono<{ Bindings: HttpBindings }>();
    if (front === 'idle') app.use((_c, next) => next());
    else if (front) app.use(honoAdapter({ client: front }));
    app.get('/', async (c) => c.json({ ok: true }));
    app.get('/seen', (c) => c.text(c.req.header('Authorization') ?? ''));
    return portOf(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
  },
};

const start = frameworks[process.argv[2] ?? ''];
if (start === undefined) throw new Error(`name one of ${Object.keys(frameworks).join(', ')}`);
const { client, jwt } = await startAuthorizationServer();
process.on('SIGINT', () => process.exit());
process.send?.({
  bare: await start(undefined),
  idle: await start('idle'),
  guarded: await start(client),
  jwt,
});
