import { createForwarder } from '@phantom-token/proxy';
import Fastify from 'fastify';

const forward = createForwarder({ upstream: 'http://127.0.0.1:4000' });

const app = Fastify();
// bodies stay what they are: nobody reads them here
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, _body, done) => done(null));
app.all('/api/*', (request, reply) => {
  reply.hijack();
  forward(request.raw, reply.raw);
});
app.addHook('onClose', () => forward.close());
await app.listen({ port: 3000 });
