import { answerDocument, type PublishedDocument } from '@phantom-token/core';
import type { Context } from 'hono';

/** Handler of a Hono route. */
export type DocumentHandler = (c: Context) => Promise<Response>;

/**
 * Serves a document that anybody may read: `app.all(path, serveDocument(document))`, in front of `phantomToken`. Answers
 * every method.
 */
export function serveDocument(document: PublishedDocument): DocumentHandler {
  return async (c) => {
    const { status, headers, body } = await answerDocument(document, c.req.method);
    return c.newResponse(body, status, { ...headers });
  };
}
