import { expect, it, onTestFinished, vi } from 'vitest';
import { stopTime } from '../test/own-time.js';
import { Deadlines, notWaited } from './deadlines.js';

function setUp() {
  const { pass } = stopTime();
  const deadlines = new Deadlines();
  const due: string[] = [];
  const add = (name: string, milliseconds: number) => {
    const onDue = () => {
      deadlines.delete(dated);
      due.push(name);
    };
    const dated = { dueAt: performance.now() + milliseconds, onDue, index: notWaited };
    deadlines.add(dated);
    return dated;
  };
  return { pass, deadlines, due, add };
}

it('each is told in time, in whatever order they came', async () => {
  const { pass, due, add, deadlines } = setUp();
  const all = [add('late', 100), add('soon', 40), add('latest', 160)];
  expect([...deadlines]).toEqual(all);
  await pass(0.039);
  expect(due).toEqual([]);
  await pass(0.001);
  expect(due).toEqual(['soon']);
  await pass(0.06);
  expect(due).toEqual(['soon', 'late']);
  await pass(0.06);
  expect(due).toEqual(['soon', 'late', 'latest']);
  expect([...deadlines]).toEqual([]);
});

it('one that is over before is told nothing', async () => {
  const { pass, deadlines, due, add } = setUp();
  const dated = add('over', 40);
  expect([deadlines.delete(dated), deadlines.delete(dated)]).toEqual([true, false]);
  await pass(1);
  expect(due).toEqual([]);
});

it('each can be taken out, in whatever order, while all are looked at', () => {
  const { deadlines, add } = setUp();
  const [first, second, third, fourth] = [add('1', 40), add('2', 40), add('3', 40), add('4', 40)];
  const seen: unknown[] = [];
  for (const dated of deadlines) {
    seen.push(dated);
    deadlines.delete(first);
    deadlines.delete(third);
  }
  expect(seen).toEqual([first, second, third, fourth]);
  expect(new Set(deadlines)).toEqual(new Set([second, fourth]));
  expect([fourth, second, first, third].map((dated) => deadlines.delete(dated))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect([...deadlines]).toEqual([]);
  deadlines.add(first);
  expect([...deadlines]).toEqual([first]);
});

it('many in turn have one timer', async () => {
  const { deadlines, add } = setUp();
  const set = vi.spyOn(globalThis, 'setTimeout');
  // before time goes on, and by the call that also forgets it: restored later, it would be a timer of the time that stood still
  onTestFinished(() => void vi.restoreAllMocks());
  for (let count = 0; count < 100; count++) deadlines.delete(add('short', 40));
  expect(set).toHaveBeenCalledTimes(1);
});
