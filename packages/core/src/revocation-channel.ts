/**
 * How instances tell each other what was revoked. What they tell is a digest: of a token, of a subject or of a
 * session, and nobody can tell which. It holds no token and no subject in clear. A subject is easily guessed from
 * a list of subjects, though, and a forged message costs introspections: a channel that leaves the process should seal
 * what it carries.
 */
export interface RevocationChannel {
  /**
   * Tells all instances. Resolves when the message is on its way, rejects when it could not be sent. Should be bounded
   * in time.
   * @param digest 43 characters of base64url.
   */
  publish(digest: string): void | Promise<void>;
  /**
   * Listens until the returned function is called. Messages may come twice, late, or back to who sent them: each costs
   * at most one introspection more. A channel may first hand over what was published before, and should do so for as
   * long as answers are reused (`maxTtlSeconds`), so that a new instance knows of subjects and sessions whose entries
   * the shared tier still holds.
   * @param onRevoked Takes any text; what is no digest is ignored.
   * @param onGap To be called when messages may have been missed, as soon as new ones come again: after a lost
   * connection, and when the first subscription took a while.
   */
  subscribe(onRevoked: (digest: string) => void, onGap: () => void): () => void;
}

/** A channel for the clients of this process. */
export function localRevocations(): RevocationChannel {
  const listeners = new Set<{ readonly hear: (digest: string) => void }>();
  return Object.freeze({
    publish(digest: string) {
      for (const { hear } of [...listeners]) {
        try {
          hear(digest);
        } catch {
          // its own matter; the others are to hear of it all the same
        }
      }
    },
    subscribe(hear: (digest: string) => void) {
      const listener = { hear };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  });
}
