import { resourceMetadataUrl } from '@phantom-token/core';
import { type Finding, type Members, membersOf } from './config-finding.js';

interface Place {
  /** Where in the configuration, and the same in words. */
  readonly at: readonly (string | number)[];
  readonly name: string;
  readonly path: string;
}

/** Paths that the gateway answers on itself are for one thing each: the first to be asked would hide the others. */
export function judgePaths(config: Members): Finding[] {
  const taken = new Map<string, Place>();
  const findings: Finding[] = [];
  const judge = (place: Place, path: string) => {
    const holder = taken.get(path);
    if (holder !== undefined) findings.push([place.at, `must be another path than ${holder.name}`]);
    return holder;
  };
  for (const place of ownPlaces(config)) if (!judge(place, place.path)) taken.set(place.path, place);
  for (const place of routesOf(config)) judge(place, place.path.replace(/(?<=.)\/$/, ''));
  return findings;
}

function ownPlaces({ protectedResource, jwks, forwardAuth, introspection, issuers }: Members): Place[] {
  const { resource } = membersOf(protectedResource);
  return [
    ...placeOf(
      ['protectedResource', 'resource'],
      pathOfMetadata(resource),
      "that of protectedResource's metadata",
    ),
    ...placeOf(['jwks', 'path'], membersOf(jwks).path),
    ...placeOf(['forwardAuth', 'path'], membersOf(forwardAuth).path),
    ...logoutOf(['introspection'], introspection),
    ...Object.entries(membersOf(issuers)).flatMap(([name, server]) => logoutOf(['issuers', name], server)),
  ];
}

const logoutOf = (at: readonly string[], server: unknown) =>
  placeOf([...at, 'logout', 'path'], membersOf(membersOf(server).logout).path);

const routesOf = ({ routes }: Members) =>
  Array.isArray(routes)
    ? routes.flatMap((route, index) => placeOf(['routes', index, 'path'], membersOf(route).path))
    : [];

const placeOf = (at: Place['at'], path: unknown, name: string = at.join('.')): Place[] =>
  typeof path === 'string' ? [{ at, name, path }] : [];

function pathOfMetadata(resource: unknown): string | undefined {
  try {
    return new URL(resourceMetadataUrl(String(resource))).pathname;
  } catch {
    // is said elsewhere
    return undefined;
  }
}
