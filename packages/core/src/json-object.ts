const maxDepth = 100;
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
const isKey = /\s*:/y;

/**
 * Reads a JSON object that means the same to every reader: one with two members of one name at the top level, or
 * nested deeper than 100, is refused (RFC 8259 §4, RFC 7519 §4).
 * @throws {SyntaxError} without any of the text in its message.
 */
export function parseJsonObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // the engine's own message quotes the text
    throw new SyntaxError('not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SyntaxError('not a JSON object');
  refuseAmbiguity(text);
  return value as Record<string, unknown>;
}

function refuseAmbiguity(text: string): void {
  const names = new Set<string>();
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '{' || token === '[') {
      if (++depth > maxDepth) throw new SyntaxError('JSON nested too deeply');
    } else if (token === '}' || token === ']') {
      depth--;
    } else if (depth === 1) {
      isKey.lastIndex = index + token.length;
      if (!isKey.test(text)) continue;
      const name: string = JSON.parse(token);
      if (names.has(name)) throw new SyntaxError('JSON with two members of one name');
      names.add(name);
    }
  }
}
