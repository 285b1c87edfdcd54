import { describe, expect, it } from 'vitest';
import { reconcile } from '../../src/plan/reconcile.js';

const base = 'one\ntwo\nthree\nfour\nfive\n';

describe('reconciling a generated file', () => {
  it.each([
    ['nothing new', base, base, { outcome: 'keep' }],
    ['edited, nothing new', base.replace('two', 'TWO'), base, { outcome: 'keep' }],
    ['deleted by the user', null, `${base}six\n`, { outcome: 'keep' }],
    ['unedited', base, `${base}six\n`, { outcome: 'write', text: `${base}six\n` }],
    ['the user already has the new text', `${base}six\n`, `${base}six\n`, { outcome: 'keep' }],
    [
      'edited at one end, new at the other',
      base.replace('one', 'ONE'),
      `${base}six\n`,
      { outcome: 'write', text: `${base.replace('one', 'ONE')}six\n` },
    ],
    [
      'both change the same line',
      base.replace('two', 'mine'),
      base.replace('two', 'theirs'),
      { outcome: 'conflict' },
    ],
    ['no longer generated, unedited', base, null, { outcome: 'write', text: null }],
    ['no longer generated, edited', `${base}mine\n`, null, { outcome: 'orphan' }],
    ['no longer generated, deleted', null, null, { outcome: 'keep' }],
  ])('%s', (_, mine, theirs, expected) => {
    expect(reconcile(base, mine, theirs)).toEqual(expected);
  });
});
