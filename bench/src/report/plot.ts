/** The picture of a run: CPU per call beside the peers, and over the number of tools. Logarithmic axes. */

import type { Results } from '../results.js';
import { peers } from '../subjects.js';
import { pick, short } from './tables.js';

const width = 900;
const left = 365;
const right = 805;
const barHeight = 20;
const gap = 10;
const colours = { ours: '#1f6feb', peer: '#8b949e', limit: '#2da44e' };

/** An SVG document. */
export function plot(results: Results): string {
  const bars = barChart(results, 56);
  const curves = curveChart(results, bars.end + 70);
  const height = curves.end + 30;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13">
<title>CPU per tools/call of a converted server and of the alternatives</title>
<rect width="${width}" height="${height}" rx="6" fill="#ffffff"/>
${bars.svg}
${curves.svg}
</svg>
`;
}

interface Drawn {
  readonly svg: string;
  /** Where it ends, from the top. */
  readonly end: number;
}

/** Microseconds, in the unit that fits. */
const duration = (microseconds: number): string =>
  microseconds < 10_000 ? `${short(microseconds)} µs` : `${short(microseconds / 1000)} ms`;

/** A scale that puts `from` to `to` on `low` to `high`, by logarithms. */
const logarithmic =
  (from: number, to: number, low: number, high: number) =>
  (value: number): number =>
    Math.round((low + ((high - low) * Math.log(value / from)) / Math.log(to / from)) * 10) / 10;

const text = (x: number, y: number, content: string, more = ''): string =>
  `<text x="${x}" y="${y}" fill="#1f2328" ${more}>${content}</text>`;

function barChart({ main }: Results, top: number): Drawn {
  const rows = peers
    .flatMap((subject) => {
      const measured = pick(main, subject.id, 60, 'tools/call', 16);
      return measured ? [{ subject, value: measured.cpuPerRequest }] : [];
    })
    .sort((a, b) => a.value - b.value);
  const values = rows.map((row) => row.value);
  const x = logarithmic(Math.min(...values) / 2, Math.max(...values), left, right);
  const lines = rows.flatMap(({ subject, value }, index) => {
    const y = top + index * (barHeight + gap);
    const kind = subject.id.startsWith('converted') ? 'ours' : subject.id === 'bare-http' ? 'limit' : 'peer';
    return [
      text(
        left - 10,
        y + 15,
        subject.label,
        `text-anchor="end"${kind === 'ours' ? ' font-weight="600"' : ''}`,
      ),
      `<rect x="${left}" y="${y}" width="${x(value) - left}" height="${barHeight}" rx="3" fill="${colours[kind]}"/>`,
      text(x(value) + 8, y + 15, duration(value)),
    ];
  });
  const title = text(
    20,
    30,
    'CPU per tools/call, server with 60 tools (logarithmic, less is better)',
    'font-weight="600" font-size="15"',
  );
  return { svg: [title, ...lines].join('\n'), end: top + rows.length * (barHeight + gap) };
}

function curveChart({ scaling }: Results, top: number): Drawn {
  const height = 200;
  const counts = [...new Set(scaling.map((each) => each.tools))];
  const values = scaling.map((each) => each.cpuPerRequest);
  const x = logarithmic(Math.min(...counts), Math.max(...counts), left, right - 120);
  const y = logarithmic(Math.min(...values) / 1.5, Math.max(...values) * 1.2, top + height, top);
  const subjects = [...new Set(scaling.map((each) => each.subject))];
  const curves = subjects.flatMap((id) => {
    const points = scaling.filter((each) => each.subject === id);
    const colour = id.startsWith('converted') ? colours.ours : colours.peer;
    const dashed = id === 'converted-stateful' ? ' stroke-dasharray="5 4"' : '';
    const last = points.at(-1);
    return [
      `<polyline points="${points.map((point) => `${x(point.tools)},${y(point.cpuPerRequest)}`).join(' ')}" fill="none" stroke="${colour}" stroke-width="2.5"${dashed}/>`,
      ...points.map(
        (point) => `<circle cx="${x(point.tools)}" cy="${y(point.cpuPerRequest)}" r="3.5" fill="${colour}"/>`,
      ),
      last
        ? text(
            x(last.tools) + 10,
            y(last.cpuPerRequest) + (dashed ? -6 : 10),
            `${id.replace('converted-stateful', 'stateful').replace(/^converted$/, 'stateless')}: ${duration(last.cpuPerRequest)}`,
          )
        : '',
    ];
  });
  const axis = [
    `<line x1="${left}" y1="${top + height}" x2="${right - 120}" y2="${top + height}" stroke="#d0d7de"/>`,
    ...counts.map((count) => text(x(count), top + height + 18, String(count), 'text-anchor="middle"')),
    text(left - 10, top + height + 18, 'tools', 'text-anchor="end"'),
  ];
  const title = text(
    20,
    top - 20,
    'CPU per tools/call over the number of tools',
    'font-weight="600" font-size="15"',
  );
  return { svg: [title, ...axis, ...curves].join('\n'), end: top + height + 18 };
}
