import { type PhantomTokenEnv, phantomToken } from '@phantom-token/adapter-hono';
import { clientSecretBasic, createPhantomTokenClient } from '@phantom-token/core';
import { Hono, type MiddlewareHandler } from 'hono';

interface Bindings {
  readonly ENDPOINT: string;
  readonly NOW: string;
}

const app = new Hono<PhantomTokenEnv & { Bindings: Bindings }>();
let guard: MiddlewareHandler<PhantomTokenEnv> | undefined;

app.use((c, next) => {
  // made once for all requests, as an app would
  guard ??= phantomToken({
    client: createPhantomTokenClient({
      introspectionEndpoint: c.env.ENDPOINT,
      clientAuth: clientSecretBasic('worker', 'secret'),
      // a machine that stands still for a while must not look like a server that does not answer
      timeoutSeconds: 60,
      now: () => Number(c.env.NOW),
    }),
    requiredScopes: ['read'],
  });
  return guard(c, next);
});
app.get('/', (c) =>
  c.json({ authorization: c.req.header('Authorization'), source: c.var.accessToken.source }),
);

// biome-ignore lint/style/noDefaultExport: workerd asks for one
export default app;
