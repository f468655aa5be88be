import type { PublishedDocument } from '@phantom-token/core';
import type { Served } from './adapter.js';
import { assertEqual } from './assertions.js';
import { type RawResponse, sendRequest } from './raw-request.js';

/** Mounts the adapter's handler for this document on a free port, for every path and method. */
export type ServeDocument = (document: PublishedDocument) => Promise<Served>;

/** A behaviour that every adapter's `serveDocument` has. It throws an AssertionError where this one has not. */
export interface DocumentCase {
  readonly title: string;
  run(serve: ServeDocument): Promise<void>;
}

interface DocumentStage {
  /** How often the document was read. */
  reads(): number;
  send(method: string, fields?: readonly (readonly [name: string, value: string])[]): Promise<RawResponse>;
}

/** A case that is played with one document. */
export function documentCase(
  title: string,
  document: PublishedDocument | (() => Promise<PublishedDocument>),
  play: (stage: DocumentStage) => Promise<void>,
): DocumentCase {
  return {
    title,
    async run(serve) {
      const published = typeof document === 'function' ? await document() : document;
      let reads = 0;
      const body = () => {
        reads++;
        return published.body();
      };
      const served = await serve({ ...published, body });
      try {
        await play({
          reads: () => reads,
          send: (method, fields = []) =>
            sendRequest(served.url, { method, target: '/at/any?path', fields }).response,
        });
      } finally {
        await served.close();
      }
    },
  };
}

/** Only what is named is looked at; `undefined` is for a field that must not be there. */
export function assertAnswer(
  response: RawResponse,
  status: number,
  fields: Readonly<Record<string, string | undefined>>,
  body: string,
): void {
  const seen = Object.fromEntries(Object.keys(fields).map((name) => [name, response.header(name)]));
  assertEqual([response.status, seen, response.body], [status, fields, body], 'the answer');
}
