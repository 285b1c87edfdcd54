import { describe, expect, it, onTestFinished } from 'vitest';
import type { Options, Seam } from '../../src/model.js';
import { nextSteps } from '../../src/next-steps.js';
import { defaultOptions, defaultSeam, inspection, startService } from '../runtime/service.js';
import { generate, textOf } from './generated.js';

const at = { file: 'src/index.ts', line: 1, column: 1 };
const server = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
export const createServer = () => new McpServer({ name: 'operated', version: '1.0.0' });
`;
const everything = {
  rateLimit: 'redis',
  database: 'postgres',
  cache: true,
  metrics: true,
  tracing: true,
} as const;
const seam: Partial<Seam> = {
  sessions: 'stateful',
  variables: [{ name: 'WEATHER_KEY', at, required: true, secret: true }],
};

/** Values that an operator might fill in. */
const filledIn: Readonly<Record<string, string>> = {
  AUTH_ISSUER: 'https://id.example.com',
  AUTH_AUDIENCE: 'https://mcp.example.com/mcp',
  REDIS_URL: 'redis://127.0.0.1:1',
  DATABASE_URL: 'postgres://mcp@127.0.0.1:1/mcp',
};

/** The settings in front of the command that starts the service. */
function settingsIn(text: string): Record<string, string> {
  const line = text.split('\n').find((each) => each.includes('npm run start:http')) ?? '';
  const pairs = [...line.matchAll(/(\w+)=(\S+)/g)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, filledIn[name] ?? value]));
}

describe.each(['none', 'api-key', 'oauth'] as const)('the start command with --auth %s', (auth) => {
  const options: Partial<Options> = { ...everything, auth };
  const given = {
    dir: '.',
    inspection: inspection(),
    options: { ...defaultOptions, ...options },
    seam: { ...defaultSeam, ...seam },
    left: [],
  };

  it.each([
    ['at the end of a conversion', () => nextSteps(given)],
    ['for operators', () => textOf(generate({ options, seam }), 'src/http/README.md')],
  ])('%s names everything that the service needs', async (_where, text) => {
    const settings = settingsIn(text());
    expect(settings).toHaveProperty('WEATHER_KEY');
    const env = { ...settings, METRICS_PORT: '0' };
    const service = await startService({ server, options, seam, env });
    onTestFinished(() => service.stop());
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
  });
});

it('operators are told of every setting', () => {
  for (const auth of ['api-key', 'oauth'] as const) {
    const files = generate({ options: { ...everything, auth }, seam });
    const code = [...files].filter(([name]) => name.endsWith('.ts')).map(([, text]) => text);
    const tables = code.flatMap((text) => [
      ...text.matchAll(/^(?:const core|export const \w+)[sS]ettings = \{\n([\s\S]*?)^\};/gm),
    ]);
    const names = tables.flatMap(([, rows = '']) =>
      [...rows.matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name]) => name),
    );
    expect(names.length).toBeGreaterThan(30);
    const text = textOf(files, 'src/http/README.md');
    expect(names.filter((name) => !new RegExp(`\`${name}[\`=]`).test(text))).toEqual([]);
  }
});
