/** What the figures hold for. */

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { cli, here, packaged } from '../places.js';

export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
  readonly commit: string;
  /** Package → version. */
  readonly versions: Readonly<Record<string, string>>;
}

const measured = [
  ...['@modelcontextprotocol/sdk', '@modelcontextprotocol/server', '@modelcontextprotocol/node'],
  ...[
    '@modelcontextprotocol/codemod',
    'supergateway',
    'mcp-proxy',
    'create-vite',
    'express',
    'zod',
    'undici',
  ],
];

export function describeMachine(): Machine {
  const manifest = (file: string) => JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string };
  const versions = measured.map((name) => [name, manifest(packaged(`${name}/package.json`)).version]);
  const own = execFileSync(process.execPath, [cli, '--version'], { encoding: 'utf8' }).trim();
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryGigabytes: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release().split('-')[0]}`,
    node: process.version,
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: here }).trim(),
    versions: { 'create-mcp-prod': own, ...Object.fromEntries(versions) },
  };
}
