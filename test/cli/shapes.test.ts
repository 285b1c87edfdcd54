import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isError } from '../../src/diagnostics.js';
import { readProject } from '../../src/disk.js';
import { inspectProject } from '../../src/inspect/inspect-project.js';
import type { Manifest } from '../../src/model.js';
import { resolveOptions } from '../../src/options.js';
import { MANIFEST } from '../../src/plan/manifest.js';
import { visitAlone, visitTogether } from '../../src/verify/baseline.js';
import { differences } from '../../src/verify/canonical.js';
import { readSurface, type Surface } from '../../src/verify/surface.js';
import { type Call, reworded, safeCalls, type Transcript } from '../../src/verify/transcript.js';
import { openWorkbench, type Workbench } from '../../src/verify/workbench.js';
import { scratch } from '../disk/scratch.js';
import { repository } from '../runtime/service.js';
import { compileProject } from './compiled-fixture.js';
import { convertQuietly, type Fixture, isShape, readFixtures } from './run-fixture.js';

const shapes = readFixtures('convert').filter(({ name }) => isShape(name));

/** Compiles the project in a directory and prepares to start it. */
async function benchOf(root: string, { features }: Fixture): Promise<Workbench> {
  const project = readProject(root);
  const inspection = inspectProject(project, features);
  await compileProject(root, inspection);
  const text = project.files.get(MANIFEST);
  // A project that has not been converted has no service whose variables would matter.
  const manifest =
    text === undefined ? ({ seam: { variables: [] } } as unknown as Manifest) : JSON.parse(text);
  const options = resolveOptions(features, undefined, inspection);
  const bench = openWorkbench({ project, inspection, options, manifest, env: process.env });
  onTestFinished(() => bench.dispose());
  return bench;
}

const answers = ({ steps }: Transcript) =>
  Object.fromEntries(steps.map(({ key, outcome }) => [key, outcome]));

async function ask(bench: Workbench): Promise<{ surface: Surface; calls: Call[]; heard: Transcript }> {
  const at = bench.occasion();
  const open = (word: string) => bench.openStdio(word, at);
  const client = await open('alphaqx');
  const surface = await readSurface(client).finally(client.close);
  const calls = safeCalls(surface, []);
  return { surface, calls, heard: await visitAlone(open, calls) };
}

const STRICT: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  strict: true,
  noUnusedLocals: true,
  skipLibCheck: true,
  noEmit: true,
};

describe('a converted shape, compiled', () => {
  it.each(shapes.map((fixture) => [fixture.name, fixture] as const))(
    '%s answers over stdio and over HTTP what it answered before',
    async (_, fixture) => {
      const original = await benchOf(scratch(fixture.input), fixture);
      const root = scratch(fixture.input);
      const { result } = await convertQuietly(root, fixture.features);
      expect(result.diagnostics.filter(isError)).toEqual([]);
      // What the program is started with is read off the sources only before they are converted.
      const features = { ...fixture.features, args: result.options?.args ?? [] };
      const converted = await benchOf(root, { ...fixture, features });

      const [before, after, service] = await Promise.all([
        ask(original),
        ask(converted),
        converted.startService(),
      ]);
      expect(before.calls.some(({ odd }) => !odd)).toBe(true);
      expect(differences(before.surface, after.surface)).toEqual([]);
      expect(differences(answers(before.heard), answers(after.heard))).toEqual([]);

      const reader = await service.open('alphaqx');
      expect(differences(before.surface, await readSurface(reader).finally(reader.close))).toEqual([]);
      // Each client over HTTP hears what one with a process of its own hears.
      for (const heard of Object.values(await visitTogether(service.open, before.calls)))
        expect(differences(answers(reworded(before.heard, heard.word)), answers(heard))).toEqual([]);
    },
    120_000,
  );

  it('has the types that its project asks for', async () => {
    const parent = scratch();
    fs.symlinkSync(path.join(repository, 'node_modules'), path.join(parent, 'node_modules'));
    const together: string[] = [];
    const programs = [together];
    for (const { name, input, features } of shapes) {
      if (!/"NodeNext"/.test(input['tsconfig.json'] ?? '')) continue;
      const roots = Object.values(input).some((text) => /^declare module/m.test(text)) ? [] : together;
      if (roots !== together) programs.push(roots);
      const root = path.join(parent, name);
      fs.cpSync(scratch(input), root, { recursive: true });
      await convertQuietly(root, features);
      const { base, options } = JSON.parse(fs.readFileSync(path.join(root, MANIFEST), 'utf8')) as Manifest;
      // The templates have type checks of their own.
      const isTemplate = (file: string) => file in base && file !== `${options.out}/server-factory.ts`;
      for (const file of readProject(root).files.keys())
        if (/\.ts$/.test(file) && !isTemplate(file)) roots.push(path.join(root, file));
    }
    expect(together.length).toBeGreaterThan(shapes.length);
    const problems = programs
      .flatMap((roots) => ts.getPreEmitDiagnostics(ts.createProgram(roots, STRICT)))
      .map(
        ({ file, messageText }) =>
          `${file?.fileName.slice(parent.length)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
      );
    expect(problems).toEqual([]);
  }, 240_000);
});
