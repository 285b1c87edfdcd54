import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Options } from '../../src/model.js';
import { resolveOptions } from '../../src/options.js';
import { inspection } from '../runtime/service.js';
import { generate } from './generated.js';

describe('what is generated without any flag', () => {
  const files = generate({ options: resolveOptions({}, undefined, inspection()) });
  const code = [...files].filter(([name]) => name.endsWith('.ts'));

  it('is a sensible set, and nothing that was not asked for', () => {
    const others = [...files.keys()].filter((name) => !name.endsWith('.ts'));
    expect(others.sort()).toEqual([
      '.dockerignore',
      '.github/workflows/mcp-service.yml',
      'Dockerfile',
      'src/http/README.md',
    ]);
    const modules = code.map(([name]) => path.basename(name, '.ts'));
    for (const part of ['rate-limit', 'gate', 'health', 'logger', 'shutdown'])
      expect(modules).toContain(part);
    const chosen = /auth|redis|postgres|secret|cache|metrics|tracing|credentials|session$|stateful/;
    expect(modules.filter((name) => chosen.test(name))).toEqual([]);
  });

  it('can be read in one sitting', () => {
    const lengths = code.map(([, text]) => text.split('\n').length);
    expect(lengths.reduce((sum, lines) => sum + lines, 0)).toBeLessThan(2600);
    expect(Math.max(...lengths)).toBeLessThan(300);
  });
});

describe('a feature is files of its own, which are there when it is chosen', () => {
  const http = (...names: string[]) => names.map((name) => `src/http/${name}.ts`);
  const kubernetes = (...names: string[]) => names.map((name) => `deploy/kubernetes/${name}.yaml`);
  const balancers = ['deploy/haproxy/haproxy.cfg', 'deploy/nginx/nginx.conf'];
  const image = ['.dockerignore', 'Dockerfile'];
  const chosen: readonly [Partial<Options>, readonly string[]][] = [
    [{ auth: 'api-key' }, http('auth-api-key')],
    [{ auth: 'oauth' }, http('auth-oauth')],
    [{ rateLimit: 'memory' }, http('rate-limit')],
    [{ rateLimit: 'redis' }, http('rate-limit', 'redis-client')],
    [{ database: 'postgres' }, http('postgres')],
    [{ secrets: 'file' }, []],
    [{ secrets: 'aws' }, http('secret-references', 'secrets-aws')],
    [{ secrets: 'vault' }, http('secret-references', 'secrets-vault')],
    [{ cache: true }, http('cache', 'cache-store')],
    [
      { metrics: true },
      [...http('metrics'), 'deploy/prometheus/alerts.test.yaml', 'deploy/prometheus/alerts.yaml'],
    ],
    [{ tracing: true }, http('tracing')],
    [{ docker: true }, image],
    [{ compose: true }, [...image, ...balancers, 'compose.yaml']],
    [
      { compose: true, auth: 'api-key' },
      [...image, ...balancers, 'compose.yaml', 'secrets/.gitignore', ...http('auth-api-key')],
    ],
    [
      { kubernetes: true },
      [
        ...[...image, ...balancers],
        ...kubernetes('autoscaler', 'config', 'deployment', 'disruption-budget', 'ingress', 'kustomization'),
        ...kubernetes('network-policy', 'service'),
      ],
    ],
    [{ ci: 'github' }, ['.github/workflows/mcp-service.yml']],
  ];
  const without = new Set(generate({ options: { rateLimit: 'none' } }).keys());

  it.each(chosen)('%j', (options, files) => {
    const names = [...generate({ options: { rateLimit: 'none', ...options } }).keys()];
    expect(names.filter((name) => !without.has(name)).sort()).toEqual([...files].sort());
  });
});
