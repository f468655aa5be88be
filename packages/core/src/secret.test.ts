import { afterEach, describe, expect, it, vi } from 'vitest';
import { holdSecret } from './secret.js';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

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

  it('that hangs is given up after 5 s, and asked for again by the next request', async () => {
    vi.useFakeTimers();
    const fetch = vi.fn(async () => 'sesame').mockReturnValueOnce(new Promise(() => {}));
    const held = holdSecret(fetch, (text) => text);
    const failed = vi.fn();
    for (const current of [held.current(), held.current()]) Promise.resolve(current).catch(failed);
    await vi.advanceTimersByTimeAsync(4999);
    expect(failed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(failed).toHaveBeenCalledTimes(2);
    expect(await held.current()).toBe('sesame');
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  it('that hangs while it is read again stays as it is', async () => {
    vi.useFakeTimers();
    const fetch = vi.fn(async () => 'sesame');
    const held = holdSecret(fetch, (text) => text);
    await held.current();
    fetch.mockReturnValueOnce(new Promise(() => {}));
    const renewal = held.renew();
    await vi.advanceTimersByTimeAsync(5000);
    expect(await renewal).toBe(false);
    expect(held.current()).toBe('sesame');
  });

  it('is another for whoever used what has been replaced since, however late that is told', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const secrets = ['old', 'new'];
    const fetch = vi.fn(async () => secrets.shift() ?? 'new');
    const held = holdSecret(fetch, (text) => text);
    await held.current();
    const usedAt = performance.now();
    vi.advanceTimersByTime(10);
    expect(await held.renew(usedAt)).toBe(true);
    vi.advanceTimersByTime(5000);
    expect(await held.renew(usedAt)).toBe(true);
    expect(fetch).toHaveBeenCalledTimes(2);
    expect(await held.renew(performance.now() - 1)).toBe(false);
    expect(fetch).toHaveBeenCalledTimes(3);
  });

  it('is not what a question said that was overtaken by a later one', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const answers: ((secret: string) => void)[] = [];
    const held = holdSecret(
      () => new Promise<string>((resolve) => answers.push(resolve)),
      (text) => text,
    );
    const first = held.current();
    answers[0]?.('first');
    await first;
    const slow = held.renew();
    vi.advanceTimersByTime(1001);
    const quick = held.renew();
    answers[2]?.('newest');
    await quick;
    answers[1]?.('newer');
    await slow;
    expect(held.current()).toBe('newest');
  });

  it('is read by each request on its own where those share no I/O', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
    const fetch = vi.fn(async () => 'sesame');
    const held = holdSecret(fetch, (text) => text);
    await Promise.all([held.current(), held.current()]);
    await Promise.all([held.renew(), held.renew()]);
    expect(fetch).toHaveBeenCalledTimes(4);
    expect(held.current()).toBe('sesame');
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
