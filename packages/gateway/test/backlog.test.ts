import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { emptyBacklog } from '../src/backlog.js';
import { onEnd } from './lifetime.js';

it('a server has every connection that waited for it, however long that takes on a busy machine', async () => {
  let accepted = 0;
  const server = createServer(() => {
    accepted++;
    const busyUntil = performance.now() + 300;
    while (performance.now() < busyUntil);
  });
  onEnd(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const clients = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
  onEnd(() => {
    for (const client of clients) client.destroy();
  });
  await emptyBacklog(server);
  expect(accepted).toBe(20);
});
