import { startSettings } from './generate/files/required-settings.js';
import type { Command, Inspection, Options, Seam } from './model.js';
import { flagsFor, quote } from './options.js';

interface Converted {
  readonly dir: string;
  readonly inspection: Inspection;
  readonly options: Options;
  readonly seam: Seam;
  /** What was planned and has not been run. */
  readonly left: readonly Command[];
}

/** What to do with a converted project, to be copied line by line. */
export function nextSteps({ dir, inspection, options, seam, left }: Converted): string {
  const where = dir === '.' ? [] : [quote(dir)];
  const again = ['npx create-mcp-prod', ...where, '--yes', ...flagsFor(options, inspection).map(quote)];
  const start = [...startSettings(options, seam), inspection.packageManager, 'run start:http'];
  return [
    ...(where.length > 0 ? [`cd ${where}`] : []),
    ...left.map(({ command, args }) => [command, ...args].join(' ')),
    start.join(' '),
    '',
    'Then, from another terminal:',
    curl(options, seam),
    ...(seam.sessions === 'stateful'
      ? ['and send its mcp-session-id header with every message that follows.']
      : []),
    '',
    'Prove it again, here or in CI:  npx create-mcp-prod verify',
    `Convert like this without questions:  ${again.join(' ')}`,
  ].join('\n');
}

const tokens = {
  none: [],
  'api-key': ['authorization: Bearer a-key-of-16-letters-or-more'],
  oauth: ['authorization: Bearer …'],
} as const;

/** The first message: a session begins with `initialize`, without sessions any call will do. */
function curl(options: Options, seam: Seam): string {
  const initialize = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'curl', version: '1' },
  };
  const message =
    seam.sessions === 'stateful'
      ? { jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }
      : { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  const headers = [
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    ...tokens[options.auth],
    ...(seam.credentials ?? []).map(({ header }) => `${header}: …`),
  ];
  return [
    `curl ${seam.sessions === 'stateful' ? '-i ' : ''}http://127.0.0.1:3000/mcp`,
    ...headers.map((header) => `  -H '${header}'`),
    `  -d '${JSON.stringify(message)}'`,
  ].join(' \\\n');
}
