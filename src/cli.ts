#!/usr/bin/env node
/** Command line → flags, result → exit code. Only what `--help` needs is imported at the top. */

import { setFlagsFromString } from 'node:v8';
import { Command, Option } from 'commander';

import type { Options } from './model.js';
import { flagOf, optionTable, splitArguments } from './options.js';
import type { Flags } from './run.js';
import { version } from './version.js';

/**
 * V8 waits longer before it optimises a function: a run is over in a second or two, and most of what optimising costs it
 * would never earn back. The flag goes by another name in newer releases; an unknown one is complained about.
 */
const lateOptimisation: Readonly<Record<string, string>> = {
  '11.3': '--interrupt-budget=600000',
  '12.4': '--invocation-count-for-turbofan=15000',
  '13.6': '--invocation-count-for-turbofan=15000',
};
const flag = lateOptimisation[process.versions.v8.split('.', 2).join('.')];
if (flag) setFlagsFromString(flag);

const program = new Command('create-mcp-prod')
  .description(
    'Converts a stdio MCP server into a production Streamable HTTP service, and proves that it answers the same.',
  )
  .version(version, '-v, --version')
  .helpOption('-h, --help')
  .configureHelp({ helpWidth: Math.min(process.stdout.columns || 80, 100) })
  .enablePositionalOptions()
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  });

// Whoever reads the output may stop reading: `create-mcp-prod inspect | head`.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });

const directory = ['[dir]', 'directory of the server', '.'] as const;

withOutput(withFeatures(withApplying(program)))
  .argument(...directory)
  .action(run('convert'));

withOutput(program.command('inspect').description('say what was found; changes nothing'))
  .argument(...directory)
  .addOption(optionFor('entry'))
  .action(run('inspect'));

withOutput(program.command('verify').description('prove a converted project, for CI'))
  .argument(...directory)
  .addOption(
    new Option('--reporter <format>', 'report on stdout').choices([
      'text',
      'junit',
      'sarif',
      'github',
      'html',
    ]),
  )
  .option('--call <tools>', 'also call these tools, which do not say that they only read', names)
  .option('--replicas', 'also run two processes beside each other and kill one')
  .action(run('verify'));

withOutput(withApplying(program.command('update').description('bring generated files to this version')))
  .argument(...directory)
  .action(run('update'));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(
    `create-mcp-prod ${version} failed. ${error instanceof Error ? error.stack : error}\n`,
  );
  process.exitCode = 2;
}

function withOutput(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .option('--json', 'one JSON object on stdout, everything else on stderr')
    .option('--quiet', 'say only what went wrong')
    .option('--no-color', 'plain text');
}

function withApplying(command: Command): Command {
  return command
    .optionsGroup('Running:')
    .option('-y, --yes', 'ask nothing')
    .option('--dry-run', 'stop before the first change')
    .option('--diff', 'show the changes as a unified diff')
    .option('--no-install', 'do not install dependencies')
    .option('--no-verify', 'do not build and verify')
    .option('--allow-dirty', 'change files with uncommitted changes');
}

function withFeatures(command: Command): Command {
  command.optionsGroup('What the service has:');
  for (const row of optionTable) {
    command.addOption(optionFor(row.key));
    if (row.kind === 'switch' && row.fallback === true) {
      command.addOption(new Option(flagOf(row.key).replace('--', '--no-'), `no ${row.description}`));
    } else if (row.kind === 'switch') {
      command.addOption(new Option(flagOf(row.key).replace('--', '--no-')).hideHelp());
    }
  }
  return command;
}

function optionFor(key: keyof Options): Option {
  const row = optionTable.find((one) => one.key === key);
  if (!row) throw new Error(`option without a row: ${key}`);
  const usual = row.choices ? `, default ${row.fallback}` : '';
  const option = new Option(
    row.value ? `${flagOf(key)} <${row.value}>` : flagOf(key),
    row.description + usual,
  );
  if (row.choices) option.choices(row.choices.map((choice) => choice.value));
  if (row.kind === 'list') option.argParser(names);
  if (row.kind === 'arguments') option.argParser(splitArguments);
  return option;
}

/** `a, b` → a and b, after those of the same option given before. */
function names(text: string, before: readonly string[] = []): readonly string[] {
  const given = text.split(',').map((name) => name.trim());
  return [...before, ...given.filter(Boolean)];
}

function run(name: 'convert' | 'inspect' | 'verify' | 'update') {
  return async (dir: string, _own: unknown, command: Command) => {
    const commands = await import('./commands.js');
    const { exitCode } = await commands[name](toFlags(dir, givenTo(command)));
    process.exitCode = exitCode;
  };
}

/** Options count wherever they stand: before the name of a command or after it. */
function givenTo(command: Command): Readonly<Record<string, unknown>> {
  const before = Object.entries(program.opts()).filter(
    ([key]) => program.getOptionValueSource(key) === 'cli' && command.getOptionValueSource(key) !== 'cli',
  );
  return { ...command.opts(), ...Object.fromEntries(before) };
}

function toFlags(dir: string, given: Readonly<Record<string, unknown>>): Flags {
  const features = Object.fromEntries(
    optionTable.filter((row) => given[row.key] !== undefined).map((row) => [row.key, given[row.key]]),
  );
  // Naming what callers send says that they send it.
  if (features.credentialHeader && !features.credentials) features.credentials = 'header';
  return {
    dir,
    features,
    yes: given.yes === true,
    dryRun: given.dryRun === true,
    diff: given.diff === true,
    json: given.json === true,
    quiet: given.quiet === true,
    color: given.color !== false,
    install: given.install !== false,
    verify: given.verify !== false,
    allowDirty: given.allowDirty === true,
    verification: {
      ...(typeof given.reporter === 'string' && given.reporter !== 'text'
        ? { reporter: given.reporter }
        : {}),
      call: (given.call as readonly string[] | undefined) ?? [],
      replicas: given.replicas === true,
    },
  };
}
