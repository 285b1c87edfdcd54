import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import * as externalSecrets from '@kubernetes-models/external-secrets/external-secrets.io/v1beta1';
import * as monitoring from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { DCLinter } from 'dclint';
import * as apps from 'kubernetes-models/apps/v1';
import * as autoscaling from 'kubernetes-models/autoscaling/v2';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as core from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { EnvRead, Options, Seam } from '../../src/model.js';
import { repository } from '../runtime/service.js';
import { type Given, generate, temporaryDirectory, textOf, writeFiles } from './generated.js';

const at = { file: 'src/index.ts', line: 1, column: 1 };
const variables: readonly EnvRead[] = [
  { name: 'WEATHER_KEY', at, required: true, secret: true },
  { name: 'WEATHER_REGION', at, required: true, secret: false },
];

const everything: Partial<Options> = {
  auth: 'api-key',
  rateLimit: 'redis',
  database: 'postgres',
  cache: true,
  metrics: true,
  tracing: true,
  docker: true,
  compose: true,
  kubernetes: true,
  ci: 'github',
};

/** Different enough that every condition in the templates is met and is not. */
const services: Readonly<Record<string, { options: Partial<Options>; seam: Partial<Seam> }>> = {
  'everything, stateless': { options: everything, seam: { variables } },
  'everything, stateful': { options: everything, seam: { variables, sessions: 'stateful' } },
  'nothing but the deployment': {
    options: { docker: true, compose: true, kubernetes: true },
    seam: {},
  },
  'sessions without Redis': {
    options: { docker: true, compose: true, kubernetes: true, metrics: true },
    seam: { sessions: 'stateful' },
  },
  'OAuth and Vault': {
    options: { ...everything, auth: 'oauth', secrets: 'vault' },
    seam: { variables, sessions: 'stateful' },
  },
  'OAuth and AWS': { options: { ...everything, auth: 'oauth', secrets: 'aws' }, seam: { variables } },
};

/** Runs a program that must succeed; its output, which otherwise is the error. */
function pass(command: string, args: readonly string[], cwd: string): string {
  // A file, because nginx cannot open a socket again as /dev/stdout.
  const log = path.join(cwd, `${command.split('/').at(-1)}.log`);
  const output = fs.openSync(log, 'w');
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', output, output] });
  fs.closeSync(output);
  if (error) throw error;
  const text = fs.readFileSync(log, 'utf8');
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${text}`);
  return text;
}

/** What dclint says of a file; its own types cannot be resolved by NodeNext. */
interface Linted {
  readonly messages: readonly { readonly type: string; readonly rule: string; readonly message: string }[];
}

/** Checks against the compose specification's schema, and for what is wrong in spite of it. */
function lintCompose(text: string): readonly string[] {
  const file = path.join(temporaryDirectory(), 'compose.yaml');
  fs.writeFileSync(file, text);
  const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] });
  const found: readonly Linted[] = linter.lintFiles([file], false);
  return found
    .flatMap(({ messages }) => messages)
    .filter(({ type }) => type === 'error')
    .map(({ rule, message }) => `${rule}: ${message}`);
}

/** Models and interfaces of an object, by its apiVersion. */
const schemas: Readonly<Record<string, { readonly module: string; readonly models: object }>> = {
  v1: { module: 'kubernetes-models/v1', models: core },
  'apps/v1': { module: 'kubernetes-models/apps/v1', models: apps },
  'autoscaling/v2': { module: 'kubernetes-models/autoscaling/v2', models: autoscaling },
  'networking.k8s.io/v1': { module: 'kubernetes-models/networking.k8s.io/v1', models: networking },
  'policy/v1': { module: 'kubernetes-models/policy/v1', models: policy },
  'monitoring.coreos.com/v1': {
    module: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
    models: monitoring,
  },
  // The operator promoted this version to v1 without changing the object.
  'external-secrets.io/v1': {
    module: '@kubernetes-models/external-secrets/external-secrets.io/v1beta1',
    models: externalSecrets,
  },
};

interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
}

const objectsIn = (text: string): KubernetesObject[] =>
  parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);

/** The schemas know types, required fields and bounds… */
function expectValid({ apiVersion, ...data }: KubernetesObject): void {
  const schema = schemas[apiVersion];
  if (!schema) throw new Error(`no schema for ${apiVersion}`);
  type Model = new (data: object) => { validate(): void };
  const { [data.kind]: Model } = schema.models as Record<string, Model>;
  if (!Model) throw new Error(`${apiVersion} has no ${data.kind}`);
  new Model(data).validate();
}

/** …but only the interfaces know the name of every field: the compiler refuses others. */
function expectKnownFields(objects: readonly KubernetesObject[], folder: string): void {
  const lines = objects.flatMap(({ apiVersion, kind, ...fields }, index) => [
    `import type { I${kind} as Object${index} } from '${schemas[apiVersion]?.module}';`,
    `export const object${index}: Omit<Object${index}, 'apiVersion' | 'kind'> = ${JSON.stringify(fields)};`,
  ]);
  fs.writeFileSync(path.join(folder, 'objects.ts'), lines.join('\n'));
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  fs.symlinkSync(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
  const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
  const flags = '--noEmit --strict --skipLibCheck --module esnext --moduleResolution bundler --types node';
  pass(process.execPath, [tsc, ...flags.split(' '), 'objects.ts'], folder);
}

describe.each(Object.entries(services))('the files of a service with %s', (_name, given) => {
  const files = generate(given);

  it('are complete: no blank left by a template, no undefined, no trailing space', () => {
    for (const [name, text] of files) {
      if (/\.ts$/.test(name)) continue;
      expect(text, name).not.toMatch(/\bundefined\b|\[object|\n\n\n|[ \t]\n|\{\{[#/]/);
      expect(text, name).toMatch(/[^\n]\n$/);
    }
  });

  it('compose.yaml conforms to the compose specification', () => {
    const compose = parse(textOf(files, 'compose.yaml'), { merge: true }) as { services: object };
    expect(lintCompose(textOf(files, 'compose.yaml'))).toEqual([]);
    expect(lintCompose(textOf(files, 'compose.yaml').replace('restart:', 'restarts:'))[0]).toContain(
      'invalid-schema',
    );
    const { balancer, redis, postgres, ...replicas } = compose.services as Record<string, object>;
    expect(balancer).toBeDefined();
    expect(Object.keys(replicas)).toHaveLength(3);
    expect(redis !== undefined).toBe(given.options.rateLimit === 'redis');
    expect(postgres !== undefined).toBe(given.options.database === 'postgres');
  });

  it('compose.yaml defines everything that its services name', () => {
    interface Compose {
      readonly services: Record<string, Partial<Record<'secrets' | 'networks' | 'depends_on', object>>>;
      readonly secrets?: object;
      readonly networks: object;
    }
    const compose = parse(textOf(files, 'compose.yaml'), { merge: true }) as Compose;
    const defined = { ...compose, depends_on: compose.services };
    for (const [name, service] of Object.entries(compose.services)) {
      for (const kind of ['secrets', 'networks', 'depends_on'] as const) {
        const named = service[kind] ?? [];
        const names = Array.isArray(named) ? named : Object.keys(named);
        expect(Object.keys(defined[kind] ?? {}), `${kind} of ${name}`).toEqual(expect.arrayContaining(names));
      }
    }
    expect(files.has('secrets/.gitignore')).toBe(compose.secrets !== undefined);
  });

  it('the balancer configurations are accepted by nginx and HAProxy', () => {
    const folder = temporaryDirectory();
    writeFiles(folder, files);
    // nginx looks names up when it starts, and these exist in the network of compose only.
    const nginx = textOf(files, 'deploy/nginx/nginx.conf').replace(
      /server [\w-]+-(\d):3000/g,
      'server 127.0.0.$1:3000',
    );
    fs.writeFileSync(path.join(folder, 'nginx.conf'), nginx);
    pass('nginx', ['-t', '-c', path.join(folder, 'nginx.conf')], folder);
    expect(pass('haproxy', ['-c', '-f', 'deploy/haproxy/haproxy.cfg'], folder)).toContain('valid');
  });
});

/** What kubectl would send, and the object that is offered instead of the Secret. */
function kubernetesObjects(given: Given): KubernetesObject[] {
  const folder = temporaryDirectory();
  const files = generate(given);
  writeFiles(folder, files);
  const built = objectsIn(pass('kubectl', ['kustomize', 'deploy/kubernetes'], folder));
  return [...built, ...objectsIn(files.get('deploy/kubernetes/external-secret.yaml') ?? '')].filter(Boolean);
}

it('every Kubernetes object is valid', () => {
  const all: KubernetesObject[] = [];
  for (const given of Object.values(services)) {
    const objects = kubernetesObjects(given);
    const kinds = objects.map(({ kind }) => kind);
    expect(kinds).toEqual(
      expect.arrayContaining(['Deployment', 'Service', 'Ingress', 'NetworkPolicy', 'ConfigMap']),
    );
    const oneProcess = given.seam.sessions === 'stateful' && given.options.rateLimit !== 'redis';
    expect(kinds.includes('HorizontalPodAutoscaler')).toBe(!oneProcess);
    expect(kinds.includes('ServiceAccount')).toBe(given.options.secrets !== undefined);
    expect(kinds.includes('PrometheusRule')).toBe(given.options.metrics === true);
    for (const object of objects) expectValid(object);
    all.push(...objects);
  }
  expectKnownFields(all, temporaryDirectory());
  const [first] = all.filter(({ kind }) => kind === 'Deployment');
  const misspelt = { ...first, spec: { ...(first as { spec?: object }).spec, revisionHistoryLimits: 5 } };
  expect(() => expectKnownFields([misspelt as KubernetesObject], temporaryDirectory())).toThrow(
    'revisionHistoryLimits',
  );
});

it('every alert fires when it should, and only then', () => {
  for (const given of Object.values(services).filter(({ options }) => options.metrics)) {
    const folder = temporaryDirectory();
    writeFiles(folder, generate(given));
    const rules = path.join(folder, 'deploy/prometheus');
    expect(pass('promtool', ['check', 'rules', 'alerts.yaml'], rules)).toMatch(/SUCCESS: \d+ rules/);
    expect(pass('promtool', ['test', 'rules', 'alerts.test.yaml'], rules)).toContain('SUCCESS');
  }
});

it('a new version of the project changes no generated file', () => {
  for (const given of Object.values(services)) {
    const later = generate({ ...given, manifest: { version: '2.0.0', description: 'Says more' } });
    expect([...later]).toEqual([...generate(given)]);
  }
});

it('a member of a workspace is built from the root of the workspace', () => {
  const project = { root: '/home/me/repo/packages/server', workspaceRoot: '../..' };
  const files = generate({ project, options: { docker: true, compose: true } });
  const compose = textOf(files, 'compose.yaml');
  const { 'x-server': server } = parse(compose) as { 'x-server': { build: object } };
  expect(server.build).toEqual({ context: '../..', dockerfile: 'packages/server/Dockerfile' });
  expect(lintCompose(compose)).toEqual([]);
  expect(textOf(files, 'src/http/README.md')).toContain('-f packages/server/Dockerfile .');
});

it('the alerts’ own tests fail when an alert never fires, or fires always', () => {
  interface Rules {
    readonly groups: readonly { readonly rules: { readonly alert: string; expr: string }[] }[];
  }
  const folder = temporaryDirectory();
  writeFiles(folder, generate({ ...services['everything, stateful'] }));
  const file = path.join(folder, 'deploy/prometheus/alerts.yaml');
  const text = fs.readFileSync(file, 'utf8');
  const ruleCount = (parse(text) as Rules).groups[0]?.rules.length ?? 0;
  expect(ruleCount).toBeGreaterThan(10);
  for (let index = 0; index < ruleCount; index++) {
    for (const wrong of [
      (expr: string) => `(${expr}) > +Inf`,
      (expr: string) => `(${expr}) or on() vector(1)`,
    ]) {
      const rules = parse(text) as Rules;
      const rule = rules.groups[0]?.rules[index];
      if (!rule) continue;
      rule.expr = wrong(rule.expr);
      fs.writeFileSync(file, JSON.stringify(rules));
      const test = () => pass('promtool', ['test', 'rules', 'alerts.test.yaml'], path.dirname(file));
      expect(test, rule.expr).toThrow(rule.alert);
    }
  }
});
