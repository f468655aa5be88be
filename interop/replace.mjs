/**
 * A text with its examples replaced, all at once: what takes the place of one may begin like another. Each must be there:
 * else it was not replaced.
 */
export const replaceExamples = (name, text, replacements) => {
  const examples = Object.keys(replacements);
  for (const example of examples)
    if (!text.includes(example)) throw new Error(`${name} does not mention ${example}`);
  if (examples.length === 0) return text;
  // the longest first, where one begins with another
  const any = examples.sort((one, other) => other.length - one.length).map(quote);
  return text.replace(new RegExp(any.join('|'), 'g'), (example) => replacements[example]);
};

/** As a regular expression that matches it and nothing else. */
export const quote = (example) => example.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
