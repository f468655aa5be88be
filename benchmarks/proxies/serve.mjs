// one framework with one proxy in a process of its own: <framework> <bare or ours> <port of the upstream>
const [framework, kind, upstreamPort] = process.argv.slice(2);
const upstream = `http://127.0.0.1:${upstreamPort}`;
const host = '127.0.0.1';

const makeForwarder = async () => {
  const { createForwarder } = await import('@phantom-token/proxy');
  return createForwarder({ upstream });
};

const frameworks = {
  async express(ours) {
    const { default: express } = await import('express');
    const app = express();
    if (ours) {
      const forward = await makeForwarder();
      app.use((request, response) => forward(request, response));
    } else {
      const { createProxyMiddleware } = await import('http-proxy-middleware');
      // it keeps connections by itself
      app.use(createProxyMiddleware({ target: upstream }));
    }
    return new Promise((resolve) => {
      const server = app.listen(0, host, () => resolve(server.address().port));
    });
  },
  async fastify(ours) {
    const { default: Fastify } = await import('fastify');
    const app = Fastify();
    if (ours) {
      const forward = await makeForwarder();
      app.all('/*', (request, reply) => {
        reply.hijack();
        forward(request.raw, reply.raw);
      });
    } else {
      const { default: proxy } = await import('@fastify/http-proxy');
      app.register(proxy, { upstream });
    }
    await app.listen({ port: 0, host });
    return app.server.address().port;
  },
  async hono(ours) {
    const { Hono } = await import('hono');
    const { serve } = await import('@hono/node-server');
    const app = new Hono();
    if (ours) {
      const { RESPONSE_ALREADY_SENT } = await import('@hono/node-server/utils/response');
      const forward = await makeForwarder();
      app.all('*', (c) => {
        forward(c.env.incoming, c.env.outgoing);
        return RESPONSE_ALREADY_SENT;
      });
    } else {
      const { proxy } = await import('hono/proxy');
      // as its documentation has it
      app.all('*', (c) => proxy(`${upstream}${c.req.path}`, { ...c.req, headers: c.req.header() }));
    }
    return new Promise((resolve) => {
      serve({ fetch: app.fetch, port: 0, hostname: host }, ({ port }) => resolve(port));
    });
  },
};

process.send({ port: await frameworks[framework](kind === 'ours') });
