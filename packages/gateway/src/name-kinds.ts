/** Enough for what clients and servers write; beyond it somebody makes names up. */
const maxSpellings = 2000;
/** Longer names are worked out each time. Characters. */
const maxRemembered = 64;

/** Clients and servers write a few names in a few ways: what each means is worked out once. */
export function rememberKinds<K>(kindOf: (name: string) => K): (name: string) => K {
  const known = new Map<string, K>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const kind = kindOf(name);
    if (name.length > maxRemembered) return kind;
    if (known.size >= maxSpellings) known.clear();
    // a copy: a part of a text keeps all of it
    known.set(Buffer.from(name, 'latin1').toString('latin1'), kind);
    return kind;
  };
}

/** The name of a field (RFC 9110 §5.1). */
export const fieldName = /^[!#$%&'*+\-.^_`|~\w]+$/;
