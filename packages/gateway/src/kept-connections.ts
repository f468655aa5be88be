import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The connections of an HTTP/1.1 server and the answers under way on them, so that all of them can be brought to an end. */
export class KeptConnections {
  /** How many bytes each had read when it was last looked at. */
  readonly #read = new Map<Socket, number>();
  readonly #answers = new Set<ServerResponse>();
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
