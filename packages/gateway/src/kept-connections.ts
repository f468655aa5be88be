import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Refusal, refuseUpgrade } from './refusal.js';

/** How long a client may take to read why its connection ends. Milliseconds. */
const lingerMilliseconds = 1000;

/** The connections of an HTTP/1.1 server and the answers under way on them, so that all of them can be brought to an end. */
export class KeptConnections {
  /** How many bytes each had read when it was last looked at. */
  readonly #read = new Map<Socket, number>();
  readonly #answers = new Set<ServerResponse>();
  readonly #refused = new WeakSet<Socket>();
  #isDraining = false;

  add(socket: Socket): void {
    this.#read.set(socket, -1);
    socket.once('close', () => this.#read.delete(socket));
  }

  /** It speaks another protocol from now on. */
  release(socket: Socket): void {
    this.#read.delete(socket);
  }

  begin(answer: ServerResponse): void {
    if (this.#isDraining) answer.shouldKeepAlive = false;
    this.#answers.add(answer);
    answer.once('close', () => this.#answers.delete(answer));
  }

  /** Whether what comes from this connection is not to be acted upon. */
  isRefused(socket: Socket): boolean {
    return this.#refused.has(socket);
  }

  /** Ends a connection on which nonsense came: with this answer, unless that would be taken for another's, or a part of it. */
  refuse(socket: Socket, refusal: Refusal): void {
    if (this.#refused.has(socket)) return;
    this.#refused.add(socket);
    const answers = [...this.#answers].filter(({ req }) => req.socket === socket);
    const last = answers.at(-1);
    if (last?.req.complete) {
      // what was asked before is answered, and that is all
      if (!last.headersSent) last.shouldKeepAlive = false;
      last.once('close', () => socket.destroySoon());
    } else if (last?.headersSent || answers.length > 1 || !socket.writable) {
      socket.destroy();
    } else {
      refuseUpgrade(socket, refusal);
      const timer = setTimeout(() => socket.destroy(), lingerMilliseconds);
      socket.once('close', () => clearTimeout(timer));
    }
  }

  /** From now on each connection ends with its next answer. */
  drain(): void {
    this.#isDraining = true;
    for (const answer of this.#answers) if (!answer.headersSent) answer.shouldKeepAlive = false;
  }

  /** Ends the connections that have been silent since the last call. */
  closeQuiet(): void {
    const busy = new Set([...this.#answers].map(({ req }) => req.socket));
    for (const [socket, before] of this.#read) {
      if (!busy.has(socket) && socket.bytesRead === before) socket.destroySoon();
      else this.#read.set(socket, socket.bytesRead);
    }
  }
}
