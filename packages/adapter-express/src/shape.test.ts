import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { canaries, jwt, patientSeconds, startScriptedServer } from '@phantom-token/conformance';
import { clientSecretBasic, createPhantomTokenClient } from '@phantom-token/core';
import express, { type Request, type Response } from 'express';
import { expect, it, onTestFinished } from 'vitest';
import { phantomToken } from './index.js';

setFlagsFromString('--allow-natives-syntax');
const shareHiddenClass = new Function('a', 'b', 'return %HaveSameMap(a, b)');

it('gives requests, and responses, one hidden class between them, though Express changes their prototypes', async () => {
  const server = await startScriptedServer();
  onTestFinished(() => server.close());
  server.answer(jwt());
  const client = createPhantomTokenClient({
    introspectionEndpoint: server.endpoint,
    clientAuth: clientSecretBasic('express', canaries.secret),
    timeoutSeconds: patientSeconds,
    now: () => 1_800_000_000,
  });
  const app = express();
  const seen: [Request, Response][] = [];
  app.use(phantomToken({ client }));
  app.use((request, response) => void seen.push([request, response]));
  const listening = app.listen(0, '127.0.0.1');
  onTestFinished(() => void listening.closeAllConnections());
  onTestFinished(() => void listening.close());
  await new Promise((resolve) => listening.once('listening', resolve));
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
  const headers = { Authorization: `Bearer ${canaries.token}` };
  const answers = [];
  for (const count of [1, 2, 3]) {
    answers.push(fetch(url, { headers }));
    await expect.poll(() => seen).toHaveLength(count);
  }
  const [, [request, response] = [], [nextRequest, nextResponse] = []] = seen;
  const areShared = [shareHiddenClass(request, nextRequest), shareHiddenClass(response, nextResponse)];
  for (const [, each] of seen) each.end();
  await Promise.all(answers);
  expect(areShared).toEqual([true, true]);
});
