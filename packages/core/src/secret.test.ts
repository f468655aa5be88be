import { afterEach, describe, expect, it, vi } from 'vitest';
import { holdSecret } from './secret.js';

afterEach(() => void vi.useRealTimers());

describe('a secret from a function', () => {
  it('is asked for once, whoever needs it', async () => {
    const fetch = vi.fn(async () => 'sesame');
    const held = holdSecret(fetch, (text) => text);
    expect(await Promise.all([held.current(), held.current(), held.current()])).toEqual(
      Array(3).fill('sesame'),
    );
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('is asked for again after a failure', async () => {
    const fetch = vi.fn(async () => 'sesame').mockRejectedValueOnce(new Error('the vault is closed'));
    const held = holdSecret(fetch, (text) => text);
    await expect(held.current()).rejects.toThrow('closed');
    expect(await held.current()).toBe('sesame');
  });

  it('is read again once for all that were refused together, and later again', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const secrets = ['old', 'new', 'newest'];
    const fetch = vi.fn(async () => secrets.shift() ?? '');
    const held = holdSecret(fetch, (text) => text);
    await held.current();
    expect(await Promise.all([held.renew(), held.renew()])).toEqual([true, true]);
    expect(await held.current()).toBe('new');
    expect(await held.renew()).toBe(true);
    expect(fetch).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(1001);
    await held.renew();
    expect(await held.current()).toBe('newest');
  });

  it('stays as it is where it cannot be read again, or is the same', async () => {
    const fetch = vi
      .fn(async () => 'sesame')
      .mockResolvedValueOnce('sesame')
      .mockRejectedValueOnce(new Error());
    const held = holdSecret(fetch, (text) => text);
    await held.current();
    expect(await held.renew()).toBe(false);
    expect(await held.current()).toBe('sesame');
    expect(await holdSecret('fixed', (text) => text).renew()).toBe(false);
  });
});
