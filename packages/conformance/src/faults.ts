import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGzip, gzipSync } from 'node:zlib';
import {
  type AnswerBody,
  type AnswerHeaders,
  formatHead,
  jwtType,
  readBody,
  reply,
  signed,
  status,
} from './answers.js';
import type { Answer, Connection } from './scripted-server.js';

/** Takes the request and breaks the connection off before a byte of an answer. */
export const resetAtOnce = (): Answer => (connection) => connection.reset();

/** Takes the request and closes the connection in an orderly way, without an answer. */
export const closeAtOnce = (): Answer => (connection) => connection.end();

/** Takes the request and says nothing for as long as the peer waits. */
export const neverAnswer = (): Answer => (connection) => connection.closed;

/** Sends the head and half of the body, then breaks the connection off. */
export const resetHalfway = faulty(async (connection, head, body) => {
  await connection.write(head({ 'Content-Length': String(body.length) }));
  await connection.write(body.subarray(0, body.length / 2));
  // a reset overtakes what the peer has not read yet
  await sleep(20);
  connection.reset();
});

/** Sends the head at once, then a byte of the body every 50 ms. */
export const drip = faulty(async (connection, head, body) => {
  await connection.write(head({ 'Content-Length': String(body.length) }));
  for (let at = 0; at < body.length && connection.isOpen; at++) {
    await connection.write(body.subarray(at, at + 1));
    await sleep(50);
  }
});

/** States one byte more than it sends, then closes the connection. */
export const shortBody = faulty(async (connection, head, body) => {
  await connection.write(head({ 'Content-Length': String(body.length + 1) }));
  await connection.write(body);
  connection.end();
});

/** States no length: the body lasts until the connection closes. */
export const closeDelimited = faulty(async (connection, head, body) => {
  await connection.write(head({ Connection: 'close' }));
  await connection.write(body);
  connection.end();
});

/** Sends the whole body as one chunk and closes the connection without the last chunk. */
export const unfinishedChunks = faulty(async (connection, head, body) => {
  await connection.write(head({ 'Transfer-Encoding': 'chunked' }));
  await connection.write(formatChunk(body.toString('latin1')));
  connection.end();
});

/** Sends chunks of blanks until the peer goes, or there has been 1 GB. */
export const endlessBody =
  (headers: AnswerHeaders = jwtType): Answer =>
  async (connection) => {
    await connection.write(formatHead(200, { ...headers, 'Transfer-Encoding': 'chunked' }));
    const chunk = formatChunk(' '.repeat(65_536));
    for (let sent = 0; sent < 1_000_000_000 && connection.isOpen; sent += chunk.length) {
      await connection.write(chunk);
    }
    connection.end();
  };

/** An honest gzip of the body. */
export const gzipped = (body: AnswerBody = signed(), headers: AnswerHeaders = jwtType): Answer =>
  reply(200, { 'Content-Encoding': 'gzip', ...headers }, async () => gzipSync(await readBody(body)));

/** A small gzip that unpacks to 32 MB of blanks. */
export const gzipBomb = (headers: AnswerHeaders = jwtType): Answer =>
  reply(200, { 'Content-Encoding': 'gzip', ...headers }, () =>
    buffer(Readable.from(Array(500).fill(Buffer.alloc(64_000, ' '))).pipe(createGzip())),
  );

/** Sends the client elsewhere. */
export const redirect = (code: number, location: string): Answer => status(code, { Location: location });

/** The answer after a delay. */
export const late =
  (delaySeconds: number, answer: Answer): Answer =>
  async (connection, request) => {
    await sleep(delaySeconds * 1000);
    await answer(connection, request);
  };

/** Holds answers back until it is opened. */
export interface Gate {
  hold(answer: Answer): Answer;
  open(): void;
}

export function createGate(): Gate {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    hold: (answer) => async (connection, request) => {
      await opened;
      await answer(connection, request);
    },
    open,
  };
}

type Fault = (
  connection: Connection,
  head: (framing: AnswerHeaders) => string,
  body: Buffer,
) => Promise<void>;

/** A fault in the middle of an answer with status 200; the good JWT unless another body is given. */
function faulty(fault: Fault) {
  return (body: AnswerBody = signed(), headers: AnswerHeaders = jwtType): Answer =>
    async (connection) =>
      fault(connection, (framing) => formatHead(200, { ...headers, ...framing }), await readBody(body));
}

const formatChunk = (content: string) => `${content.length.toString(16)}\r\n${content}\r\n`;
