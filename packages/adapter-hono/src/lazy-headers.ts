/** The kind of Request whose Headers were found last, and the symbol that it keeps them under. */
let known: { readonly prototype: object; readonly key: symbol } | undefined;

/**
 * Whether a Request has made its Headers. That of `@hono/node-server` does so when somebody first looks at them, and
 * keeps them under a symbol: which one is found out with the first request, for which they are made. Those that are
 * kept elsewhere are always made.
 */
export function hasMadeHeaders(request: Request): boolean {
  const prototype = Object.getPrototypeOf(request);
  if (known !== undefined && prototype === known.prototype)
    return Reflect.get(request, known.key) !== undefined;
  const { headers } = request;
  const key = Object.getOwnPropertySymbols(request).find((it) => Reflect.get(request, it) === headers);
  known = key === undefined ? undefined : { prototype, key };
  return true;
}
