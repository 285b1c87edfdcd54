/** What a converted server has to reach, as data; each is a ratio within one run. */

import type { Method } from '../client.js';
import type { Results } from '../results.js';
import { pick, short, times } from './tables.js';

export interface Target {
  readonly label: string;
  readonly measured: number;
  readonly target: number;
  readonly atMost?: boolean;
  readonly show: (value: number) => string;
}

const percent = (share: number): string => `${short(share * 100)} %`;

/** Ratios are taken with 16 requests in flight: of CPU per request, or of requests per second where it says so. */
export function targets(results: Results): readonly Target[] {
  const { main, scaling, memory, commands } = results;
  const middle = [...new Set(main.map((each) => each.concurrency))][1] ?? 1;
  const cpu = (subject: string, tools: number, method: Method): number =>
    pick(main, subject, tools, method, middle)?.cpuPerRequest ?? Number.NaN;
  const rate = (subject: string, tools: number): number =>
    pick(main, subject, tools, 'tools/call', middle)?.requestsPerSecond ?? Number.NaN;
  const scaled = (subject: string, tools: number): number =>
    scaling.find((each) => each.subject === subject && each.tools === tools)?.cpuPerRequest ?? Number.NaN;
  const command = (id: string): number => commands.find((each) => each.id === id)?.cpu ?? Number.NaN;
  const call = 'tools/call';
  return [
    row('naive pattern, 3 tools', cpu('naive', 3, call) / cpu('converted', 3, call), 15),
    row('naive pattern, 60 tools', cpu('naive', 60, call) / cpu('converted', 60, call), 50),
    row(
      'supergateway, stateful, 60 tools, requests/s',
      rate('converted-stateful', 60) / rate('supergateway', 60),
      12,
    ),
    row(
      'supergateway, stateless, 60 tools, requests/s',
      rate('converted', 60) / rate('supergateway-stateless', 60),
      1000,
    ),
    row(
      'mcp-proxy, stateful, 60 tools',
      cpu('mcp-proxy', 60, call) / cpu('converted-stateful', 60, call),
      10,
    ),
    share(
      'of bare node:http, tools/call, 60 tools',
      cpu('bare-http', 60, call) / cpu('converted', 60, call),
      0.25,
    ),
    share(
      'of bare node:http, tools/list, 60 tools',
      cpu('bare-http', 60, 'tools/list') / cpu('converted', 60, 'tools/list'),
      0.7,
    ),
    {
      label: 'memory per session, 60 tools',
      measured: memory.find((each) => each.subject === 'converted-stateful')?.perSession ?? Number.NaN,
      target: 0.15,
      atMost: true,
      show: (megabytes) => `${short(megabytes)} MB`,
    },
    {
      label: 'CPU with 200 tools, of that with 3',
      measured: scaled('converted', 200) / scaled('converted', 3),
      target: 1.2,
      atMost: true,
      show: times,
    },
    milliseconds('--help, CPU', command('help'), 150),
    milliseconds('inspection and plan of 20 files, CPU', command('inspect-20'), 900),
    milliseconds('inspection and plan of 300 files, CPU', command('inspect-300'), 3000),
  ];
}

const row = (label: string, measured: number, target: number): Target => ({
  label,
  measured,
  target,
  show: times,
});

const share = (label: string, measured: number, target: number): Target => ({
  label,
  measured,
  target,
  show: percent,
});

const milliseconds = (label: string, measured: number, target: number): Target => ({
  label,
  measured,
  target,
  atMost: true,
  show: (value) => `${short(value)} ms`,
});
