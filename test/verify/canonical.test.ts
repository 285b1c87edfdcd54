import { expect, it } from 'vitest';
import { differences, same } from '../../src/verify/canonical.js';

it('compares without the order of keys, and without what is undefined', () => {
  expect(same({ a: 1, b: { c: [1, 2], d: undefined } }, { b: { c: [1, 2] }, a: 1 })).toBe(true);
  expect(same([1, 2], [2, 1])).toBe(false);
  expect(same(undefined, null)).toBe(true);
});

it('names the place of a difference, and members of lists by their names', () => {
  const before = { tools: [{ name: 'a', description: 'x' }, { name: 'b' }], instructions: null };
  const after = {
    tools: [{ name: 'b' }, { name: 'a', description: 'y' }, { name: 'c' }],
    instructions: null,
  };
  expect(differences(before, after)).toEqual(['tools.a.description: "x" → "y"', 'tools.c: not expected']);
  expect(differences({ tools: [{ name: 'a' }] }, { tools: [] })).toEqual(['tools.a: missing']);
});

it('says when only the order of a list differs', () => {
  expect(differences([{ name: 'a' }, { name: 'b' }], [{ name: 'b' }, { name: 'a' }], 'tools')).toEqual([
    'tools: in another order',
  ]);
});

it('compares members by place where names are not unique', () => {
  expect(differences([{ name: 'a' }, { name: 'a', x: 1 }], [{ name: 'a' }, { name: 'a', x: 2 }])).toEqual([
    '1.x: 1 → 2',
  ]);
});
