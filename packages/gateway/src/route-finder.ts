import { isBelow, otherReadings } from './request-path.js';

/** Which route a path belongs to: the first whose path is a prefix, whole segments only. */
export interface RouteFinder<R> {
  /** For an unambiguous path. `confusing`: a server behind us may find another route's resource there. */
  find(path: string): R | 'confusing' | undefined;
  /** For a plain path. `undefined` also where it is confusing. */
  findPlain(path: string): R | undefined;
}

interface Entry<R> {
  readonly route: R;
  /** What looks like a path of an earlier route within this one. Few routes have such a route, and others need no look. */
  readonly likeEarlier: RegExp | undefined;
}

export function createRouteFinder<R extends { readonly path: string }>(routes: readonly R[]): RouteFinder<R> {
  const paths = routes.map(({ path }) => path);
  const entries = routes.map(
    (route, index): Entry<R> => ({ route, likeEarlier: describeEarlier(paths.slice(0, index), route.path) }),
  );
  const entryOf = (path: string) => entries.find(({ route }) => isBelow(path, route.path));
  return {
    find(path) {
      const entry = entryOf(path);
      const readings = otherReadings(path);
      if (readings.some((reading) => entryOf(reading) !== entry)) return 'confusing';
      const { route, likeEarlier } = entry ?? {};
      if (likeEarlier === undefined) return route;
      return [path, ...readings].some((reading) => likeEarlier.test(reading)) ? 'confusing' : route;
    },
    findPlain(path) {
      const entry = entryOf(path);
      return entry?.likeEarlier?.test(path) ? undefined : entry?.route;
    },
  };
}

/** What servers disregard at the end of a segment, IIS and others. */
const ending = '[ .]*(?:;[^/?#]*)?';

function describeEarlier(earlier: readonly string[], path: string): RegExp | undefined {
  const within = earlier.filter((other) => isWithin(other.toLowerCase(), path.toLowerCase()));
  const likenesses = within.map((other) =>
    trim(other)
      .split('/')
      .map((segment) => segment.replace(/\W/g, '\\$&'))
      .join(`${ending}/`),
  );
  // a server may end the path at a ? or # that it has decoded, and Express and IIS take no notice of case
  return within.length === 0
    ? undefined
    : new RegExp(`^(?:${likenesses.join('|')})${ending}(?:[/?#]|$)`, 'i');
}

const isWithin = (path: string, prefix: string) => isBelow(path, prefix) && !isBelow(prefix, path);

const trim = (path: string) => path.replace(/\/$/, '');
