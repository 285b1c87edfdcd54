/** The tables of a run: rows of text, for the terminal and for markdown alike. */

import type { Method } from '../client.js';
import type { Throughput } from '../measure/throughput.js';
import type { Results } from '../results.js';
import { ablations, peers, type Subject, unlifted } from '../subjects.js';
import { targets } from './targets.js';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A number with three digits that count. */
export const short = (value: number | undefined): string => {
  if (value === undefined || !Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  if (Math.abs(value) >= 100) return Math.round(value).toString();
  return value.toPrecision(3).replace(/\.?0+$/, '');
};

export const times = (ratio: number): string => (Number.isFinite(ratio) ? `${short(ratio)}×` : '–');

const labelOf = (id: string): string =>
  [...peers, ...ablations, unlifted].find((subject) => subject.id === id)?.label ?? id;

/** One measurement out of many. */
export const pick = (
  all: readonly Throughput[],
  subject: string,
  tools: number,
  method: Method,
  concurrency: number,
): Throughput | undefined =>
  all.find(
    (each) =>
      each.subject === subject &&
      each.tools === tools &&
      each.method === method &&
      each.concurrency === concurrency,
  );

/** Every table, the verdict first. */
export function tablesOf(results: Results): readonly Table[] {
  const tools = [...new Set(results.main.map((each) => each.tools))];
  const methods: readonly Method[] = ['tools/call', 'tools/list'];
  return [
    verdict(results),
    ...tools.flatMap((count) => methods.map((method) => requests(results, count, method))),
    parts(results),
    profile(results),
    scaling(results),
    memory(results),
    coldStarts(results),
    commands(results),
  ];
}

/** What the README of the project shows: the server with 60 tools, fastest first. */
export function summary(results: Results): Table {
  const { main, memory, coldStarts } = results;
  const middle = [...new Set(main.map((each) => each.concurrency))][1] ?? 1;
  const of = (id: string, method: Method) => pick(main, id, 60, method, middle);
  const naive = of('naive', 'tools/call')?.cpuPerRequest ?? Number.NaN;
  const cost = ({ id }: Subject): number => of(id, 'tools/call')?.cpuPerRequest ?? Number.NaN;
  return {
    title: 'A server with 60 tools',
    head: [
      ...['', 'CPU µs per `tools/call`', 'of naive', 'requests/s', 'p99 ms', 'CPU µs per `tools/list`'],
      ...['MB per session', 'CPU ms to the first answer'],
    ],
    rows: [...peers]
      .sort((one, other) => cost(one) - cost(other))
      .map((subject) => [
        subject.label,
        short(cost(subject)),
        times(naive / cost(subject)),
        short(of(subject.id, 'tools/call')?.requestsPerSecond),
        short(of(subject.id, 'tools/call')?.p99),
        short(of(subject.id, 'tools/list')?.cpuPerRequest),
        short(memory.find((each) => each.subject === subject.id)?.perSession),
        short(coldStarts.find((each) => each.subject === subject.id)?.cpu),
      ]),
  };
}

function verdict(results: Results): Table {
  return {
    title: 'Targets',
    head: ['', 'measured', 'target', 'met'],
    rows: targets(results).map(({ label, measured, target, atMost, show }) => {
      const met = atMost ? measured <= target : measured >= target;
      return [label, show(measured), `${atMost ? '≤' : '≥'} ${show(target)}`, met ? 'yes' : 'no'];
    }),
  };
}

/** One line per server; ratios are of CPU time, 16 requests at a time, the naive pattern being 1. */
function requests({ main }: Results, tools: number, method: Method): Table {
  const concurrencies = [...new Set(main.map((each) => each.concurrency))];
  const middle = concurrencies[1] ?? 1;
  const of = (subject: Subject, concurrency: number) => pick(main, subject.id, tools, method, concurrency);
  const base = pick(main, 'naive', tools, method, middle)?.cpuPerRequest ?? Number.NaN;
  return {
    title: `${method}, ${tools} tools`,
    head: [
      'server',
      'CPU µs per request',
      'of naive',
      ...concurrencies.flatMap((concurrency) => [`requests/s at ${concurrency}`, 'p50 ms', 'p99 ms']),
    ],
    rows: peers.map((subject) => [
      subject.label,
      short(of(subject, middle)?.cpuPerRequest),
      times(base / (of(subject, middle)?.cpuPerRequest ?? Number.NaN)),
      ...concurrencies.flatMap((concurrency) => {
        const one = of(subject, concurrency);
        return [short(one?.requestsPerSecond), short(one?.p50), short(one?.p99)];
      }),
    ]),
  };
}

function parts(results: Results): Table {
  const whole = results.parts.find((each) => each.subject === 'all-on')?.cpuPerRequest ?? Number.NaN;
  return {
    title: 'What each part costs or saves, tools/call, 60 tools',
    head: ['', 'CPU µs per request', 'difference'],
    rows: results.parts.map(({ subject, cpuPerRequest }) => [
      labelOf(subject),
      short(cpuPerRequest),
      subject === 'all-on' ? '' : short(cpuPerRequest - whole),
    ]),
  };
}

function profile({ profile: layers, parts: measured }: Results): Table {
  const whole = measured.find((each) => each.subject === 'all-on')?.cpuPerRequest ?? Number.NaN;
  return {
    title: 'Where the time of a tools/call goes, converted, stateless, 60 tools',
    head: ['', 'share', 'CPU µs per request'],
    rows: layers.map(({ layer, share }) => [layer, `${short(share * 100)} %`, short(share * whole)]),
  };
}

function scaling({ scaling: all }: Results): Table {
  const tools = [...new Set(all.map((each) => each.tools))];
  const subjects = [...new Set(all.map((each) => each.subject))];
  return {
    title: 'CPU µs per tools/call by number of tools',
    head: ['server', ...tools.map((count) => `${count} tools`)],
    rows: subjects.map((subject) => [
      labelOf(subject),
      ...tools.map((count) =>
        short(all.find((each) => each.subject === subject && each.tools === count)?.cpuPerRequest),
      ),
    ]),
  };
}

function memory(results: Results): Table {
  return {
    title: 'Memory of the process tree with 60 tools, MB, garbage collected',
    head: ['server', 'idle', 'after load', 'per session'],
    rows: results.memory.map(({ subject, idle, afterLoad, perSession }) => [
      labelOf(subject),
      short(idle),
      short(afterLoad),
      short(perSession),
    ]),
  };
}

function coldStarts(results: Results): Table {
  return {
    title: 'From start to the first answer, 60 tools',
    head: ['server', 'CPU ms', 'elapsed ms'],
    rows: results.coldStarts.map(({ subject, cpu, elapsed }) => [
      labelOf(subject),
      short(cpu),
      short(elapsed),
    ]),
  };
}

function commands(results: Results): Table {
  return {
    title: 'Commands',
    head: ['', 'CPU ms', 'user ms', 'elapsed ms'],
    rows: results.commands.map(({ label, cpu, user, elapsed }) => [
      label,
      short(cpu),
      short(user),
      short(elapsed),
    ]),
  };
}

/** As markdown; the numbers stand right. */
export function toMarkdown({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = line(head.map((_, index) => (index === 0 ? '---' : '---:')));
  return [`### ${title}`, '', line(head), rule, ...rows.map(line)].join('\n');
}

/** For a terminal, in columns. */
export function toText({ title, head, rows }: Table): string {
  const widths = head.map((_, index) =>
    Math.max(...[head, ...rows].map((cells) => (cells[index] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join('  ');
  return [title, '', line(head), ...rows.map(line)].join('\n');
}
