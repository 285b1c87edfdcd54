import { expect, it } from 'vitest';
import { judge } from './state-verdict.js';

it('follows a program whose every value may be everywhere', () => {
  const names = Array.from({ length: 200 }, (_, index) => `Service${index}`);
  const service = (name: string): string => `
export class ${name} {
  private readonly known = new Map<string, any>();
  constructor(private readonly all: Record<string, any>) {}
  run(input: any): any {
    const step = { input, result: this.known.get(input.key) };
    for (const other of Object.values(this.all)) this.known.set(input.key, other.run(step));
    return this.all[input.next].run({ ...step, done: [step] });
  }
}`;
  const found = judge({
    before: [
      ...names.map((name) => `import { ${name} } from './${name}.js';`),
      'const all: Record<string, any> = {};',
      ...names.map((name) => `all.${name} = new ${name}(all);`),
    ].join('\n'),
    tool: 'all[args.name].run(args);',
    files: Object.fromEntries(names.map((name) => [`src/${name}.ts`, service(name)])),
  });
  expect(found).toContain('all mutated isolate');
});
