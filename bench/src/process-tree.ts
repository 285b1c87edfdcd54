/** What a process and everything it has started cost, from /proc. Linux only. */

import fs from 'node:fs';

const ticksPerSecond = 100;
const pageBytes = 4096;

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** CPU seconds of its children that have ended. */
  readonly ended: number;
  /** CPU seconds of its own, to a hundredth. */
  readonly own: number;
  readonly residentBytes: number;
}

function readProcess(pid: number): Process | undefined {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const at = (index: number): number => Number(fields[index]);
    return {
      pid,
      parent: at(1),
      own: (at(11) + at(12)) / ticksPerSecond,
      ended: (at(13) + at(14)) / ticksPerSecond,
      residentBytes: at(21) * pageBytes,
    };
  } catch {
    return undefined;
  }
}

function tree(root: number): Process[] {
  const all = fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
  const found = all.filter((one) => one.pid === root);
  for (const one of found) found.push(...all.filter((other) => other.parent === one.pid));
  return found;
}

/** CPU seconds of every thread of a process, to the nanosecond where the kernel counts so. */
function preciseSeconds({ pid, own }: Process): number {
  try {
    const threads = fs.readdirSync(`/proc/${pid}/task`);
    const nanoseconds = threads.map((thread) =>
      Number(fs.readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    );
    return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
  } catch {
    return own;
  }
}

/** CPU seconds that the tree has used so far, user and system. */
export const cpuSeconds = (root: number): number =>
  tree(root).reduce((sum, one) => sum + preciseSeconds(one) + one.ended, 0);

/** Memory that the tree holds, in bytes; pages that processes share count in each. */
export const residentBytes = (root: number): number =>
  tree(root).reduce((sum, one) => sum + one.residentBytes, 0);

/** Every process of the tree, the root first. */
export const processIds = (root: number): readonly number[] => tree(root).map((one) => one.pid);
