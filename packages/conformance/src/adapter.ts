import type { AdapterOptions, Claims, JwtAccessToken } from '@phantom-token/core';

/**
 * Mounts the adapter with these options on a free port, in front of a handler for every method and path that answers
 * with `report(…)` as JSON. All that the author of an adapter writes.
 */
export type Serve = (options: AdapterOptions, report: Report) => Promise<Served>;

/**
 * Given the Authorization header and the access token that the handler sees, and how it finds any other header; returns
 * what the handler answers.
 */
export type Report = (
  authorization: string | null | undefined,
  accessToken: JwtAccessToken | undefined,
  field: (name: string) => string | readonly string[] | null | undefined,
) => Sighting;

/** What the handler saw of one request. */
export interface Sighting {
  readonly authorization: string | null;
  readonly claims: Claims | null;
  readonly source: JwtAccessToken['source'] | null;
  /** The headers that a case asks about. */
  readonly fields: Readonly<Record<string, string | readonly string[] | null>>;
}

export interface Served {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  close(): unknown;
}

/** A behaviour that every adapter has. It throws an AssertionError, which quotes no secret, where this one has not. */
export interface AdapterCase {
  readonly title: string;
  run(serve: Serve): Promise<void>;
}
