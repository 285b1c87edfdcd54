/** What commands cost, beside commands of the same kind. */

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cli, packaged, work } from '../places.js';
import { writeManyFiles } from '../projects/write-sources.js';
import { medianOf } from '../statistics.js';

const execute = promisify(execFile);

interface Command {
  readonly id: string;
  readonly label: string;
  readonly args: readonly string[];
  /** The command changes a project of so many files: it gets a fresh one each time. */
  readonly files?: number;
  /** What its output has to contain. */
  readonly says: RegExp;
}

export interface CommandTime {
  readonly id: string;
  readonly label: string;
  /** CPU, user and system, with everything it starts; milliseconds. */
  readonly cpu: number;
  readonly user: number;
  readonly elapsed: number;
}

/** Stands for the folder of the project in a command. */
const project = '{project}';
const quiet = ['--yes', '--no-install', '--no-verify', '--allow-dirty'];
const codemod = packaged('@modelcontextprotocol/codemod/dist/cli.mjs');

const commands: readonly Command[] = [
  { id: 'node', label: 'node itself', args: ['-e', 'console.log("nothing")'], says: /nothing/ },
  { id: 'help', label: 'create-mcp-prod --help', args: [cli, '--help'], says: /--sessions/ },
  {
    id: 'create-vite-help',
    label: 'create-vite --help',
    args: [packaged('create-vite/index.js'), '--help'],
    says: /--template/,
  },
  { id: 'codemod-help', label: 'official codemod --help', args: [codemod, '--help'], says: /v1-to-v2/ },
  {
    id: 'inspect-20',
    label: 'create-mcp-prod inspect (inspects and plans), 20 files',
    args: [cli, 'inspect', project],
    files: 20,
    says: /src\/index\.ts/,
  },
  {
    id: 'plan-20',
    label: 'create-mcp-prod --dry-run, 20 files',
    args: [cli, project, '--dry-run', ...quiet],
    files: 20,
    says: /Nothing was changed/,
  },
  {
    id: 'convert-20',
    label: 'create-mcp-prod without install, 20 files',
    args: [cli, project, ...quiet],
    files: 20,
    says: /Done/,
  },
  {
    id: 'codemod-20',
    label: 'official codemod v1-to-v2, 20 files',
    args: [codemod, 'v1-to-v2', project],
    files: 20,
    says: /./,
  },
  {
    id: 'inspect-300',
    label: 'create-mcp-prod inspect (inspects and plans), 300 files',
    args: [cli, 'inspect', project],
    files: 300,
    says: /src\/index\.ts/,
  },
  {
    id: 'plan-300',
    label: 'create-mcp-prod --dry-run, 300 files',
    args: [cli, project, '--dry-run', ...quiet],
    files: 300,
    says: /Nothing was changed/,
  },
  {
    id: 'codemod-300',
    label: 'official codemod v1-to-v2, 300 files',
    args: [codemod, 'v1-to-v2', project],
    files: 300,
    says: /./,
  },
];

/** Runs every command `rounds` times, in turn. Throws when one fails or does not say what it should. */
export async function measureCommands(rounds: number): Promise<readonly CommandTime[]> {
  const samples = commands.map((command) => ({ command, times: [] as Omit<CommandTime, 'id' | 'label'>[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { command, times } of samples) times.push(await time(command));
  }
  return samples.map(({ command: { id, label }, times }) => ({
    id,
    label,
    cpu: medianOf(times, (each) => each.cpu),
    user: medianOf(times, (each) => each.user),
    elapsed: medianOf(times, (each) => each.elapsed),
  }));
}

async function time({ id, args, files, says }: Command): Promise<Omit<CommandTime, 'id' | 'label'>> {
  const folder = path.join(work, `many-${id}`);
  if (files !== undefined) {
    fs.rmSync(folder, { recursive: true, force: true });
    writeManyFiles(folder, files);
  }
  const given = args.map((argument) => (argument === project ? folder : argument));
  // The shell's `time` has the kernel's account of the process and its children, to the millisecond.
  const { stdout, stderr } = await execute(
    'bash',
    ['-c', 'TIMEFORMAT="%U %S %R"; time "$@"', 'bash', process.execPath, ...given],
    { env: { ...process.env, CI: 'true', NO_COLOR: '1' }, maxBuffer: 64 * 1024 * 1024 },
  );
  if (!says.test(stdout)) throw new Error(`${id} says: ${stdout.slice(0, 1000)}`);
  const [user = Number.NaN, system = Number.NaN, elapsed = Number.NaN] = (
    stderr.trim().split('\n').at(-1) ?? ''
  )
    .split(' ')
    .map((seconds) => Number(seconds) * 1000);
  return { user, cpu: user + system, elapsed };
}
