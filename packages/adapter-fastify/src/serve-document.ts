import { answerDocument, type PublishedDocument } from '@phantom-token/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Handler of a Fastify route. */
export type DocumentHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/**
 * Serves a document that anybody may read: `app.all(path, serveDocument(document))`, outside the scope that
 * `phantomToken` guards. Answers every method.
 */
export function serveDocument(document: PublishedDocument): DocumentHandler {
  return async ({ method }, reply) => {
    const { status, headers, body } = await answerDocument(document, method);
    // bytes, since Fastify adds a charset to the media type of a string, and writes null as JSON
    return reply
      .code(status)
      .headers(headers)
      .send(body === null ? undefined : Buffer.from(body));
  };
}
