import { adapterCases, type Serve } from '@phantom-token/conformance';
import Fastify from 'fastify';
import { describe, it } from 'vitest';
import { phantomToken } from './index.js';

const serve: Serve = async (options, report) => {
  const app = Fastify({ forceCloseConnections: true });
  app.register(phantomToken, options);
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload.resume()));
  app.all('*', async ({ headers, accessToken }) =>
    report(headers.authorization, accessToken, (name) => headers[name]),
  );
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
};

describe('Fastify', () => {
  for (const { title, run } of adapterCases) it(title, () => run(serve));
});
