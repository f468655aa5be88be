const leastSeconds = 1;
const mostSeconds = 60;

/** Reads Retry-After (RFC 9110 §10.2.3), seconds or an HTTP date, into 1..60 seconds; 1 where it says nothing usable. */
export function parseRetryAfter(value: string | null, now: number): number {
  const text = value?.trim() ?? '';
  const wait = /^\d+$/.test(text) ? Number(text) : httpDate(text) - now;
  return Number.isNaN(wait) ? leastSeconds : Math.min(Math.max(Math.ceil(wait), leastSeconds), mostSeconds);
}

// Date.parse takes far more than HTTP dates; "-5" is one of those
function httpDate(text: string): number {
  return /^[A-Z][a-z]+,? .* GMT$/.test(text) ? Date.parse(text) / 1000 : Number.NaN;
}
