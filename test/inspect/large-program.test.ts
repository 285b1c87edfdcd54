import { expect, it } from 'vitest';
import { judge } from './state-verdict.js';

const names = Array.from({ length: 80 }, (_, index) => `Service${index}`);

/** Takes anything, keeps it, and hands it to all the others. */
const service = (name: string): string => `
export class ${name} {
  private readonly known = new Map<string, any>();
  constructor(private readonly all: Record<string, any>) {}
  run(input: any): any {
    const step = { input, result: this.known.get(input.key) };
    for (const other of Object.values(this.all)) this.known.set(input.key, other.run(step));
    input.counts.push(step);
    return this.all[input.next].run({ ...step, done: [step] });
  }
}`;

it('tells what changes from what does not where values go everywhere in circles', () => {
  const found = judge({
    before: [
      ...names.map((name) => `import { ${name} } from './${name}.js';`),
      'const all: Record<string, any> = {};',
      ...names.map((name) => `all.${name} = new ${name}(all);`),
      'const counts: unknown[] = [];',
      "const titles = new Map([['a', 'b']]);",
    ].join('\n'),
    tool: 'all[args.name].run({ ...args, counts, title: titles.get(args.name) });',
    files: Object.fromEntries(names.map((name) => [`src/${name}.ts`, service(name)])),
    options: { state: 'share' },
  });
  expect(found).toEqual(['all mutated share', 'counts mutated share']);
});

it('refuses a program whose values cannot be followed in a time that anyone waits', {
  timeout: 120_000,
}, () => {
  const count = Array.from({ length: 3000 }, (_, index) => index);
  const found = judge({
    before: [
      'const steps: ((x: number) => number)[] = [];',
      ...count.map((at) => `steps.push((x) => x + ${at});`),
      ...count.map((at) => `export const made${at} = steps[${at}](${at});`),
    ].join('\n'),
    tool: 'steps[args.at](args.n);',
  });
  expect(found).toEqual(['program-too-large']);
});
