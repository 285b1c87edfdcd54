import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allCodes, word } from '../../src/diagnostics.js';

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
});
