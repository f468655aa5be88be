const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/**
 * The text of a member of a JSON object that `parseJsonObject` has accepted, so that what is in it can be held to the
 * same rule; undefined where there is none of that name.
 */
export function jsonMember(text: string, name: string): string | undefined {
  let depth = 0;
  let key = '""';
  let start: number | undefined;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    if (start !== undefined && (depth === 0 || (depth === 1 && token === ',')))
      return text.slice(start, index);
    if (depth !== 1) continue;
    if (token.startsWith('"')) key = token;
    else if (token === ':' && JSON.parse(key) === name) start = index + 1;
  }
  return undefined;
}
