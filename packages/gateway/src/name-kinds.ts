/** Enough for what clients and servers write; beyond it somebody makes names up. */
const maxSpellings = 2000;

/** Clients and servers write a few names in a few ways: what each means is worked out once. */
export function rememberKinds<K>(kindOf: (name: string) => K): (name: string) => K {
  const known = new Map<string, K>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const kind = kindOf(name);
    if (known.size >= maxSpellings) known.clear();
    known.set(name, kind);
    return kind;
  };
}

/** The name of a field (RFC 9110 §5.1). */
export const fieldName = /^[!#$%&'*+\-.^_`|~\w]+$/;
