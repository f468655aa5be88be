import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerDocument, type PublishedDocument } from '@phantom-token/core';

/** Handler for Express and whatever else takes `(request, response, next)`. */
export type DocumentHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Serves a document that anybody may read: `app.all(path, serveDocument(document))`, in front of `phantomToken`. Answers
 * every method.
 */
export function serveDocument(document: PublishedDocument): DocumentHandler {
  return (request, response, next) => {
    answerDocument(document, request.method ?? '')
      .then(({ status, headers, body }) => void response.writeHead(status, headers).end(body))
      .catch(next);
  };
}
