import { describe, expect, it } from 'vitest';
import { mergePackageJson, type Needs } from '../../src/plan/package-json.js';

const needs = (some: Partial<Needs>): Needs => ({
  dependencies: {},
  devDependencies: {},
  scripts: {},
  keepScripts: false,
  ...some,
});

const merge = (text: string, some: Partial<Needs>) => {
  const merged = mergePackageJson(text, needs(some));
  return { text: merged.text, codes: merged.diagnostics.map((one) => one.code) };
};

describe('merging package.json', () => {
  it('keeps tabs, CRLF, byte order mark, key order and the missing last newline', () => {
    const text =
      '\uFEFF{\r\n\t"version": "1.0.0",\r\n\t"name": "x",\r\n\t"dependencies": {\r\n\t\t"zod": "^3.25.0"\r\n\t}\r\n}';
    expect(merge(text, { dependencies: { pino: '^10.0.0' } }).text).toBe(
      text.replace('"zod"', '"pino": "^10.0.0",\r\n\t\t"zod"'),
    );
  });

  it('adds sections that are missing', () => {
    const { text } = merge('{\n    "name": "x"\n}\n', {
      scripts: { 'start:http': 'node dist/http/main.js' },
      dependencies: { pino: '^10.0.0' },
    });
    expect(text).toBe(
      '{\n    "name": "x",\n    "scripts": {\n        "start:http": "node dist/http/main.js"\n    },\n    "dependencies": {\n        "pino": "^10.0.0"\n    }\n}\n',
    );
  });

  it('does not sort what was not sorted', () => {
    const { text } = merge('{ "dependencies": { "z": "1", "a": "1" } }', { dependencies: { m: '1' } });
    expect(Object.keys(JSON.parse(text).dependencies)).toEqual(['z', 'a', 'm']);
  });

  it('leaves a package that has everything untouched', () => {
    const text =
      '{"scripts":{"start:http":"node a.js"},"dependencies":{"pino":"^10.1.0"},"devDependencies":{"tsx":"^4.1.0"}}';
    const some = {
      scripts: { 'start:http': 'node a.js' },
      dependencies: { pino: '^10.0.0' },
      devDependencies: { tsx: '^4.0.0' },
    };
    expect(merge(text, some)).toEqual({ text, codes: [] });
  });

  it('keeps ranges that are not versions', () => {
    const text =
      '{"dependencies":{"a":"workspace:*","b":"catalog:","c":"git+https://example.org/c.git","d":"latest"}}';
    expect(merge(text, { dependencies: { a: '^1.0.0', b: '^1.0.0', c: '^1.0.0', d: '^1.0.0' } })).toEqual({
      text,
      codes: [],
    });
  });

  it('raises a range that does not suffice, and says so', () => {
    const { text, codes } = merge('{"dependencies":{"pino":"^10.0.0"}}', {
      dependencies: { pino: '^10.2.0' },
    });
    expect(JSON.parse(text).dependencies).toEqual({ pino: '^10.2.0' });
    expect(codes).toEqual(['dependency-raised']);
  });

  it('raises a development dependency where it is, and says so', () => {
    const { text, codes } = merge('{"dependencies":{"@types/node":"^18.0.0"}}', {
      devDependencies: { '@types/node': '^18.19.130' },
    });
    expect(JSON.parse(text)).toEqual({ dependencies: { '@types/node': '^18.19.130' } });
    expect(codes).toEqual(['dependency-raised']);
  });

  it('refuses a range that excludes what is needed', () => {
    const { codes } = merge('{"dependencies":{"pino":"^8.0.0"}}', { dependencies: { pino: '^10.2.0' } });
    expect(codes).toEqual(['dependency-conflict']);
  });

  it('moves a development dependency that production needs', () => {
    const { text } = merge('{"devDependencies":{"pino":"^10.0.0","tsx":"^4.0.0"}}', {
      dependencies: { pino: '^10.0.0' },
    });
    expect(JSON.parse(text)).toEqual({
      devDependencies: { tsx: '^4.0.0' },
      dependencies: { pino: '^10.0.0' },
    });
  });

  it('keeps a script it has to replace under another name, and lets one be extended', () => {
    const text = '{\n  "scripts": {\n    "start:http": "node mine.js",\n    "build": "tsc"\n  }\n}\n';
    const merged = mergePackageJson(text, needs({ scripts: { 'start:http': 'node a.js' } }));
    expect(merged.diagnostics).toMatchObject([
      { code: 'script-moved', at: { file: 'package.json', line: 3 } },
    ]);
    expect(JSON.parse(merged.text).scripts).toMatchObject({
      'start:http': 'node a.js',
      'start:http:before': 'node mine.js',
    });
    expect(
      JSON.parse(merge(text, { scripts: { build: 'tsc && npm run build:http' } }).text).scripts.build,
    ).toBe('tsc && npm run build:http');
    expect(merge(text, { scripts: { 'start:http': 'node a.js' }, keepScripts: true })).toEqual({
      text,
      codes: [],
    });
  });
});
