import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allCodes, word } from '../../src/diagnostics.js';
import { describeDiagnostics, lookOf } from '../../src/report.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

const sources = (folder: string): readonly string[] =>
  fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
    .map((file) => fs.readFileSync(path.join(root, folder, file), 'utf8'));

describe('diagnostics', () => {
  const said = sources('src').join('\n');

  it('have a wording for every code that is given', () => {
    const given = [...said.matchAll(/\bcode: '([a-z-]+)', (?:at|args)/g)].map((match) => match[1]);
    expect(given.length).toBeGreaterThan(10);
    expect(given.filter((code) => !allCodes.includes(code!))).toEqual([]);
  });

  it('are all given somewhere', () => {
    const outside = said.replace(/const wordings[\s\S]*?\n};/, '');
    // A code that ends in -failed may be made from the purpose of a command.
    const silent = allCodes.filter(
      (code) => !outside.includes(`'${code}'`) && !/^(?:install|build)-failed$/.test(code),
    );
    expect(silent).toEqual([]);
  });

  it('that are errors have a fixture or a test that triggers them', () => {
    const refused = fs.readdirSync(path.join(root, 'fixtures/refuse')).map((name) => name.split('.')[0]);
    const tests = sources('test').join('\n');
    const errors = allCodes.filter((code) => word({ code, args: {} }).severity === 'error');
    const unseen = errors.filter((code) => !refused.includes(code) && !tests.includes(`'${code}'`));
    expect(unseen).toEqual([]);
  });

  it('are counted where there are too many of a kind to read', () => {
    const many = Array.from({ length: 12 }, (_, index) => ({
      code: 'state-not-isolated',
      at: { file: 'state.ts', line: index + 1, column: 1 },
      args: { name: 'items', wayOut: 'Move it.' },
    }));
    const texts = describeDiagnostics([...many, { code: 'arguments-read', args: {} }], lookOf({}, false));
    expect(texts.map((text) => text.trim().split('\n')[0])).toEqual([
      ...many.slice(0, 8).map(({ at }) => `✖ state-not-isolated  state.ts:${at.line}:1`),
      '… and 4 more state-not-isolated, listed by --json',
      '● arguments-read',
    ]);
  });
});
