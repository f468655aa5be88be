import { documentCases, type ServeDocument } from '@phantom-token/conformance';
import Fastify from 'fastify';
import { describe, it } from 'vitest';
import { serveDocument } from './index.js';

const serve: ServeDocument = async (document) => {
  const app = Fastify({ forceCloseConnections: true });
  app.all('*', serveDocument(document));
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
};

describe('Fastify', () => {
  for (const { title, run } of documentCases) it(title, () => run(serve));
});
