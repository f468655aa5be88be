import type { Config } from './config-schema.js';
import { isBelow } from './request-path.js';

/** What is allowed and hardly meant: the first route whose path is a prefix wins, so that one behind it never does. */
export function describeHiddenRoutes({ routes }: Config): string[] {
  return routes.flatMap(({ path }, index) => {
    const winner = routes.findIndex((route) => isBelow(path, route.path));
    return winner === index
      ? []
      : [`routes[${index}] (${path}) is never reached, since routes[${winner}] wins: put it before that`];
  });
}
