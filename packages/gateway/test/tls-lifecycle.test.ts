import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { Agent, get } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { openFrameConnection, statusOf } from './h2-frames.js';
import { onEnd } from './lifetime.js';
import { answerOf, ca, openSession, startTlsGatewayProcess } from './tls-stage.js';

const authorization = 'Bearer token';

/** Keeps so many streams open on a session until GOAWAY, and tells of those that it does not say came too late. */
async function load(session: ClientHttp2Session, streams: number, onAnswer: () => void): Promise<string[]> {
  const failures: [id: number, outcome: string][] = [];
  let lastId = 0;
  session.on('goaway', (_code, id) => {
    lastId = id;
  });
  const run = async () => {
    while (!session.closed) {
      const stream = session.request({ authorization });
      const outcome = await answerOf(stream).then(({ status }) => String(status), String);
      if (outcome !== '200') failures.push([Number(stream.id), outcome]);
      onAnswer();
    }
  };
  await Promise.all(Array.from({ length: streams }, run));
  return failures.flatMap(([id, outcome]) => (id > lastId ? [] : [outcome]));
}

it('told to end, answers every stream over HTTP/2 that GOAWAY does not call too late, and exits with 0', async () => {
  const { gateway } = await startTlsGatewayProcess();
  const exit = once(gateway.process, 'exit');
  let answered = 0;
  const count = () => ++answered === 1000 && gateway.process.kill('SIGTERM');
  const sessions = Array.from({ length: 5 }, () => openSession(gateway.url));
  const goaways = sessions.map((session) => once(session, 'goaway'));
  const failures = await Promise.all(sessions.map((session) => load(session, 10, count)));
  expect(failures.flat()).toEqual([]);
  expect((await Promise.all(goaways)).map(([code]) => code)).toEqual([0, 0, 0, 0, 0]);
  expect(await exit).toEqual([0, null]);
});

it('told to end, lets streams over HTTP/2 end that began before', async () => {
  let finish = () => {};
  const { gateway } = await startTlsGatewayProcess({}, (request, response) => {
    response.flushHeaders();
    finish = () => void request.pipe(response);
  });
  const exit = once(gateway.process, 'exit');
  const session = openSession(gateway.url);
  const stream = session.request({ ':method': 'POST', authorization });
  const answer = answerOf(stream);
  stream.write('first ');
  await once(stream, 'response');
  gateway.process.kill('SIGTERM');
  await once(session, 'goaway');
  finish();
  stream.end('last');
  expect(await answer).toMatchObject({ status: 200, body: 'first last' });
  expect(await exit).toEqual([0, null]);
});

it('told to end, says which stream was the last that it answers', async () => {
  const { gateway } = await startTlsGatewayProcess();
  const connection = openFrameConnection(gateway.url, ca);
  const fields = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/'],
    [':authority', 'api.example'],
    ['authorization', authorization],
  ] as const;
  connection.ask(1, fields);
  connection.ask(3, fields);
  expect(statusOf(await connection.frame('headers', 1))).toBe(200);
  expect(statusOf(await connection.frame('headers', 3))).toBe(200);
  gateway.process.kill('SIGTERM');
  const { payload } = await connection.frame('goaway');
  expect([payload.readUInt32BE(0), payload.readUInt32BE(4)]).toEqual([3, 0]);
  await connection.closed;
});

it('told to end, closes connections behind TLS that nobody uses, long before drainSeconds', async () => {
  const limits = { headersTimeoutSeconds: 5, drainSeconds: 3600 };
  const { gateway } = await startTlsGatewayProcess({ limits });
  const exit = once(gateway.process, 'exit');
  const { hostname, port } = new URL(gateway.url);
  const agent = new Agent({ keepAlive: true, ca });
  const [answer] = await once(get(gateway.url, { agent, headers: { authorization } }), 'response');
  await text(answer);
  const silent = connect({ host: hostname, port: Number(port), ca });
  await once(silent, 'secureConnect');
  // one that never begins its handshake
  const mute = connectTcp(Number(port), hostname);
  await once(mute, 'connect');
  onEnd(() => [silent, mute].map((socket) => socket.destroy()));
  for (const socket of [silent, mute]) socket.on('error', () => {});
  gateway.process.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
});
