/** What is measured: a table of servers and how each is started. */

import fs from 'node:fs';
import path from 'node:path';
import { here, packaged, work } from './places.js';
import {
  type ConversionName,
  convertedFolder,
  factoryFile,
  stdioFolder,
  type Tools,
} from './projects/prepare.js';

/** How one server is started for one number of tools. */
export interface Command {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Subject {
  readonly id: string;
  readonly label: string;
  /** Every client opens a session first. */
  readonly stateful: boolean;
  /** Starts a process for every request: takes seconds where others take milliseconds. */
  readonly slow?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Arguments for node; `port` is a free one. */
  readonly command: (tools: Tools, port: number) => Command;
}

const key = 'a-key-for-the-benchmark';
const bearer = { authorization: `Bearer ${key}` };

function converted(
  id: string,
  label: string,
  conversion: ConversionName,
  more: { env?: Record<string, string>; headers?: Record<string, string> } = {},
): Subject {
  return {
    id,
    label,
    stateful: conversion.startsWith('stateful'),
    headers: { ...bearer, ...more.headers },
    command: (tools, port) => ({
      args: [path.join(convertedFolder(tools, conversion), 'dist/http/main.js')],
      env: {
        NODE_ENV: 'production',
        PORT: String(port),
        AUTH_API_KEYS: `bench:${key}`,
        // The limits count every request and are never reached.
        RATE_LIMIT_PER_MINUTE: '1000000000',
        RATE_LIMIT_PER_HOUR: '1000000000',
        MAX_SESSIONS: '10000',
        ...more.env,
      },
    }),
  };
}

const script = (name: string): string => path.join(here, 'dist/peers', name);
const inner = (tools: Tools): string => path.join(stdioFolder(tools), 'dist/index.js');

const supergateway = (id: string, label: string, more: readonly string[]): Subject => ({
  id,
  label,
  stateful: more.includes('--stateful'),
  slow: !more.includes('--stateful'),
  command: (tools, port) => ({
    args: [
      packaged('supergateway/dist/index.js'),
      ...['--stdio', `"${process.execPath}" "${inner(tools)}"`, '--outputTransport', 'streamableHttp'],
      ...['--port', String(port), '--logLevel', 'none', ...more],
    ],
  }),
});

const mcpProxy = (id: string, label: string, more: readonly string[]): Subject => ({
  id,
  label,
  stateful: !more.includes('--stateless'),
  command: (tools, port) => ({
    args: [
      packaged('mcp-proxy/dist/bin/mcp-proxy.mjs'),
      ...['--server', 'stream', '--host', '127.0.0.1', '--port', String(port), ...more],
      ...['--', process.execPath, inner(tools)],
    ],
  }),
});

/** Where a copy of the list of tools lies, for the server that only hands it out. */
export const listFile = (tools: Tools): string => path.join(work, `list-${tools}.json`);
export const writeList = (tools: Tools, result: unknown): void =>
  fs.writeFileSync(listFile(tools), JSON.stringify(result));

/** The two ways in which a converted server runs. */
export const ours: readonly Subject[] = [
  converted('converted', 'converted, stateless', 'stateless'),
  converted('converted-stateful', 'converted, stateful', 'stateful'),
];

export const naive: Subject = {
  id: 'naive',
  label: 'naive: Express, fresh server and official transport',
  stateful: false,
  command: (tools, port) => ({
    args: [script('naive.js'), factoryFile(tools, 'v1')],
    env: { NODE_ENV: 'production', PORT: String(port) },
  }),
};

export const limit: Subject = {
  id: 'bare-http',
  label: 'the limit: bare node:http',
  stateful: false,
  command: (tools, port) => ({
    args: [script('bare-http.js'), listFile(tools)],
    env: { NODE_ENV: 'production', PORT: String(port) },
  }),
};

const others: readonly Subject[] = [
  {
    id: 'sdk-v2',
    label: 'SDK v2 createMcpHandler',
    stateful: false,
    command: (tools, port) => ({
      args: [script('sdk-v2.js'), factoryFile(tools, 'v2')],
      env: { NODE_ENV: 'production', PORT: String(port) },
    }),
  },
  mcpProxy('mcp-proxy', 'mcp-proxy, stateful', []),
  mcpProxy('mcp-proxy-stateless', 'mcp-proxy, stateless', ['--stateless']),
  supergateway('supergateway', 'supergateway, stateful', ['--stateful']),
  supergateway('supergateway-stateless', 'supergateway, stateless', []),
];

/** Everything in the main table. */
export const peers: readonly Subject[] = [...ours, naive, ...others, limit];

/** What the parts that are on by default cost, and what other parts save: the same server with each left out. */
export const ablations: readonly Subject[] = [
  converted('all-on', 'everything on', 'stateless'),
  converted('cors', 'and a browser’s Origin', 'stateless', { headers: { origin: 'http://localhost:8080' } }),
  converted('no-log', 'without log lines', 'stateless', { env: { LOG_LEVEL: 'warn' } }),
  converted('no-auth', 'without authentication', 'no-auth'),
  converted('no-limits', 'without rate limits', 'no-limits'),
  converted('none', 'without all three', 'no-auth-no-limits', { env: { LOG_LEVEL: 'warn' } }),
  converted('fresh', 'a fresh server for each request', 'fresh'),
  converted('fresh-unlifted', 'a fresh server with fresh schemas for each request', 'fresh-unlifted'),
];

/** A session whose schemas are its own. */
export const unlifted = converted(
  'stateful-unlifted',
  'converted, stateful, without lifted schemas',
  'stateful-unlifted',
);
