import { expect, it, vi } from 'vitest';
import { Propagation, Slot } from '../../src/inspect/value-flow/propagation.js';
import { TooManyInclusions, ValueFlow } from '../../src/inspect/value-flow.js';
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

it('gives up where following values would not end', () => {
  const propagation = new Propagation(10);
  const slots = Array.from({ length: 5 }, () => new Slot());
  const flowEverywhere = () => {
    for (const from of slots) for (const to of slots) propagation.flow(from, to);
  };
  expect(flowEverywhere).toThrow(TooManyInclusions);
});

it('refuses a program whose values are not followed to the end', () => {
  const following = vi.spyOn(ValueFlow, 'of').mockImplementation(() => {
    throw new TooManyInclusions();
  });
  expect(judge({ before: '', tool: '' })).toEqual(['program-too-large']);
  following.mockRestore();
});
