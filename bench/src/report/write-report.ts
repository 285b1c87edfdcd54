/** Writes what a run has found: `results.json`, `results.svg`, the tables of both READMEs, and all of it to the terminal. */

import fs from 'node:fs';
import path from 'node:path';
import { here } from '../places.js';
import type { Results } from '../results.js';
import { plot } from './plot.js';
import { summary, tablesOf, toMarkdown, toText } from './tables.js';

const begin = '<!-- tables: written by the bench -->';
const end = '<!-- end of what the bench has written -->';
const file = path.join(here, 'results.json');

/** What the last run has found. */
export const readResults = (): Results => JSON.parse(fs.readFileSync(file, 'utf8')) as Results;

export function writeReport(results: Results): void {
  const tables = tablesOf(results);
  fs.writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  fs.writeFileSync(path.join(here, 'results.svg'), plot(results));
  replaceTables(path.join(here, 'README.md'), [conditions(results), ...tables.map(toMarkdown)]);
  const [, ...lines] = toMarkdown(summary(results)).split('\n\n');
  replaceTables(path.join(here, '../README.md'), [lines.join('\n\n'), conditions(results)]);
  process.stdout.write(`${tables.map(toText).join('\n\n')}\n`);
}

/** Puts the parts between the marks of a README. */
function replaceTables(readme: string, parts: readonly string[]): void {
  const text = fs.readFileSync(readme, 'utf8');
  const [before = ''] = text.split(begin);
  const after = text.split(end)[1] ?? '\n';
  fs.writeFileSync(readme, `${before}${begin}\n\n${parts.join('\n\n')}\n\n${end}${after}`);
}

function conditions({ machine }: Results): string {
  const { date, processor, cores, memoryGigabytes, system, node, commit, versions } = machine;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Measured on ${date} at commit ${commit}: ${processor}, ${cores} cores, ${memoryGigabytes} GB, ${system}, Node ${node}.\n${packages.join(', ')}.`;
}
