import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { scratch } from '../disk/scratch.js';
import { repository } from './service.js';

/** Says, when the shell that started it has left, what of that can be seen. */
const program = `
import fs from 'node:fs';
import { guardProcess } from './process-guard.js';
const logger = { info() {}, error() {}, fatal() {} } as never;
if (process.argv[2] === 'guarded') guardProcess(logger, () => {}).serving(() => {});
const parent = process.ppid;
const answers = (pid: number) => { try { return process.kill(pid, 0); } catch { return false; } };
const actual = () => Number(/^PPid:\\s*(\\d+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))![1]);
const started = actual();
fs.writeFileSync(process.argv[3]!, '');
const timer = setInterval(() => {
  if (actual() === started) return;
  clearInterval(timer);
  console.log(JSON.stringify({ isSame: process.ppid === parent, answers: answers(parent) }));
}, 20);
`;

it('a program does not see that the parent of a service has left', async () => {
  const root = scratch({});
  const outfile = path.join(root, 'program.mjs');
  await build({
    stdin: { contents: program, resolveDir: path.join(repository, 'templates/http'), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
  });
  const orphaned = (how: string) => {
    const begun = path.join(root, how);
    const leave = `until [ -e "${begun}" ]; do sleep 0.05; done`;
    const start = `"${process.execPath}" "${outfile}" ${how} "${begun}" &`;
    return JSON.parse(execFileSync('sh', ['-c', `${start} ${leave}`], { encoding: 'utf8' }));
  };
  expect(orphaned('bare')).toEqual({ isSame: false, answers: false });
  expect(orphaned('guarded')).toEqual({ isSame: true, answers: true });
});
