import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type AnswerHeaders, formatHead, reply, status } from './answers.js';
import type { Answer } from './scripted-server.js';

/** Takes the request and breaks the connection off before a byte of an answer. */
export const resetAtOnce = (): Answer => (connection) => connection.reset();

/** Takes the request and closes the connection in an orderly way, without an answer. */
export const closeAtOnce = (): Answer => (connection) => connection.end();

/** Takes the request and says nothing for as long as the peer waits. */
export const neverAnswer = (): Answer => (connection) => connection.closed;

/** Sends the head and half of the body, then breaks the connection off. */
export const resetHalfway =
  (headers: AnswerHeaders, body: string): Answer =>
  async (connection) => {
    await connection.write(formatHead(200, { ...headers, 'Content-Length': String(body.length) }));
    await connection.write(body.slice(0, body.length / 2));
    // what is reset at once may overtake what was written
    await sleep(20);
    connection.reset();
  };

/** Sends the head at once and the body a byte at a time. */
export const drip =
  (headers: AnswerHeaders, body: string, intervalSeconds: number): Answer =>
  async (connection) => {
    await connection.write(formatHead(200, { ...headers, 'Content-Length': String(body.length) }));
    for (const byte of body) {
      if (!connection.isOpen) return;
      await connection.write(byte);
      await sleep(intervalSeconds * 1000);
    }
  };

/** States a longer body than it sends, then closes the connection. */
export const shortBody =
  (headers: AnswerHeaders, body: string, missingBytes = 1): Answer =>
  async (connection) => {
    const length = String(body.length + missingBytes);
    await connection.write(formatHead(200, { ...headers, 'Content-Length': length }) + body);
    connection.end();
  };

/** States no length: the body lasts until the connection closes. */
export const closeDelimited =
  (headers: AnswerHeaders, body: string): Answer =>
  async (connection) => {
    await connection.write(formatHead(200, { ...headers, Connection: 'close' }) + body);
    connection.end();
  };

/** Sends the body as one chunk and closes the connection without the last chunk. */
export const unfinishedChunks =
  (headers: AnswerHeaders, body: string): Answer =>
  async (connection) => {
    const head = formatHead(200, { ...headers, 'Transfer-Encoding': 'chunked' });
    await connection.write(head + formatChunk(body));
    connection.end();
  };

/** Sends chunks until the peer goes, or there have been 1 GB. */
export const endlessBody =
  (headers: AnswerHeaders): Answer =>
  async (connection) => {
    await connection.write(formatHead(200, { ...headers, 'Transfer-Encoding': 'chunked' }));
    const chunk = formatChunk(' '.repeat(65_536));
    for (let sent = 0; sent < 1_000_000_000 && connection.isOpen; sent += chunk.length) {
      await connection.write(chunk);
    }
    connection.end();
  };

/** An honest gzip of the body. */
export const gzipped = (headers: AnswerHeaders, body: string): Answer =>
  reply(200, { ...headers, 'Content-Encoding': 'gzip' }, gzipSync(body));

/** A small gzip that unpacks to 32 MB of blanks. */
export const gzipBomb = (headers: AnswerHeaders): Answer => gzipped(headers, ' '.repeat(32_000_000));

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
  readonly hold: (answer: Answer) => Answer;
  readonly open: () => void;
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

const formatChunk = (content: string) => `${content.length.toString(16)}\r\n${content}\r\n`;
