/** What text may look like where somebody put it without a thought: in no form of these may a secret turn up. */
export function tracesOf(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text);
  const hex = bytes.toString('hex');
  const escaped = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const forms = [
    text,
    encodeURIComponent(text),
    new URLSearchParams({ x: text }).toString().slice(2),
    escaped,
    escaped.toUpperCase(),
    hex,
    hex.toUpperCase(),
    JSON.stringify(text).slice(1, -1),
    ...base64Middles(bytes, 'base64'),
    ...base64Middles(bytes, 'base64url'),
  ];
  return [...new Set(forms)].map((form) => Buffer.from(form));
}

/** The characters that stand for these bytes alone, wherever in a longer text they begin. */
function base64Middles(bytes: Buffer, encoding: 'base64' | 'base64url'): readonly string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString(encoding);
    return encoded.slice(Math.ceil((offset * 4) / 3), Math.floor(((offset + bytes.length) * 4) / 3));
  });
}

/** The names of those secrets that left a trace. */
export function leaksIn(haystack: Buffer, secrets: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(secrets)
    .filter(([, secret]) => tracesOf(secret).some((trace) => haystack.includes(trace)))
    .map(([name]) => name);
}
