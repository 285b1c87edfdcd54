/** Writes what a run has found: `results.json`, `results.svg`, the tables of `README.md`, and all of it to the terminal. */

import fs from 'node:fs';
import path from 'node:path';
import { here } from '../places.js';
import type { Results } from '../results.js';
import { plot } from './plot.js';
import { tablesOf, toMarkdown, toText } from './tables.js';

const begin = '<!-- tables: written by the bench -->';

export function writeReport(results: Results): void {
  const tables = tablesOf(results);
  fs.writeFileSync(path.join(here, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  fs.writeFileSync(path.join(here, 'results.svg'), plot(results));
  const readme = path.join(here, 'README.md');
  const [intro = ''] = fs.readFileSync(readme, 'utf8').split(begin);
  const parts = [conditions(results), ...tables.map(toMarkdown)];
  fs.writeFileSync(readme, `${intro}${begin}\n\n${parts.join('\n\n')}\n`);
  process.stdout.write(`${tables.map(toText).join('\n\n')}\n`);
}

function conditions({ machine }: Results): string {
  const { date, processor, cores, memoryGigabytes, system, node, commit, versions } = machine;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `Measured on ${date} at commit ${commit}: ${processor}, ${cores} cores, ${memoryGigabytes} GB, ${system}, Node ${node}.\n${packages.join(', ')}.`;
}
