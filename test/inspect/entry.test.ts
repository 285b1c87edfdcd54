import { expect, it } from 'vitest';
import { findEntries } from '../../src/inspect/entry.js';
import { projectOf } from '../runtime/service.js';

const CONNECT = `import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
export async function start(server) {
  await server.connect(new StdioServerTransport());
}
`;

const entries = (serve: string) =>
  findEntries(
    projectOf({
      'package.json': '{ "bin": "bin/built-elsewhere.js" }',
      'src/cli.ts': "const { start } = await import('./serve.js');\nawait start();",
      'src/serve.ts': serve,
    }),
  ).map(({ file }) => file);

it('what only declares how to connect is started by a module that imports it', () => {
  expect(entries(CONNECT)).toEqual(['src/cli.ts', 'src/serve.ts']);
});

it('what connects by itself is an entry before what imports it', () => {
  expect(entries(`${CONNECT}start(make());`)).toEqual(['src/serve.ts', 'src/cli.ts']);
});

it('what a script starts over stdio is an entry before what connects by itself', () => {
  const [entry] = findEntries(
    projectOf({
      'package.json': JSON.stringify({
        scripts: { build: 'tsc', 'start:old-stdio': 'TRANSPORT=stdio node dist/index.js' },
      }),
      'tsconfig.json': '{ "compilerOptions": { "rootDir": "src", "outDir": "dist" } }',
      'src/index.ts': "import { start } from './serve.js';\nstart(prepared());",
      'src/serve.ts': `${CONNECT}if (isMain()) start(make());`,
    }),
  );
  expect(entry).toEqual({
    file: 'src/index.ts',
    output: 'dist/index.js',
    because: 'scripts.start:old-stdio',
  });
});

it('TypeScript is nothing that a build has written, whatever package.json says', () => {
  const [entry] = findEntries(
    projectOf({
      'package.json': '{ "module": "index.ts", "scripts": { "build": "bun run scripts/build.ts" } }',
      'scripts/build.ts': "await Bun.build({ entrypoints: ['./src/index.ts'], outdir: './dist' });",
      'src/index.ts': `${CONNECT}start(make());`,
    }),
  );
  expect(entry).toMatchObject({ file: 'src/index.ts', output: 'src/index.ts' });
});

it('what bun builds for node and package.json names is run by node, not the source that a script starts', () => {
  const outputBuiltFor = (target: string) =>
    findEntries(
      projectOf({
        'package.json': JSON.stringify({
          bin: 'bin/spawns.js',
          main: 'build/index.js',
          scripts: {
            start: 'bun run src/index.ts',
            build: `bun build src/index.ts --outdir build --target ${target}`,
          },
        }),
        'bin/spawns.js': "spawn('node', [path.join(__dirname, '../build/index.js')]);",
        'src/index.ts': `${CONNECT}start(make());`,
      }),
    ).find(({ file }) => file === 'src/index.ts')?.output;
  expect(outputBuiltFor('node')).toBe('build/index.js');
  expect(outputBuiltFor('bun')).toBe('src/index.ts');
});
