import { expect, it } from 'vitest';
import type { Check } from '../../src/model.js';
import { classifyLatency, quantile } from '../../src/verify/reporters/latency.js';
import { promises } from '../../src/verify/reporters/promises.js';
import {
  type Report,
  type ReporterName,
  reportVerification,
} from '../../src/verify/reporters/report-verification.js';
import type { Surface } from '../../src/verify/surface.js';
import { notesSite } from './site.js';

const HOSTILE = '<img src=x onerror="alert(1)"> & \u0007';

const CHECKS: readonly Check[] = [
  { id: 'build', status: 'pass', detail: 'build', ms: 1200 },
  { id: 'types', status: 'skip', detail: 'the build checks them' },
  {
    id: 'parity',
    status: 'fail',
    detail: `tools.${HOSTILE}: missing (and 1 more)`,
    differences: [`tools.${HOSTILE}: missing`, 'instructions: "a, b: 100%" → null'],
    ms: 800,
    at: { file: 'src/my server.ts', line: 7, column: 3 },
  },
];

function surface(tools: readonly unknown[]): Surface {
  const lists = { tools, resources: { error: -32601 }, resourceTemplates: [], prompts: [] };
  return { serverInfo: { name: 'notes' }, capabilities: {}, instructions: null, ...lists };
}

const site = notesSite({});
const report: Report = {
  name: `notes ${HOSTILE}`,
  version: '0.1.0',
  inspection: {
    ...site.inspection,
    state: [
      {
        name: 'history',
        at: { file: 'src/a.ts', line: 3, column: 1 },
        kind: 'mutated',
        writtenBy: [],
        decision: 'isolate',
        reason: 'handlers push to it',
      },
    ],
  },
  options: site.options,
  manifest: site.manifest,
  verification: {
    checks: CHECKS,
    evidence: {
      surfaces: {
        stdio: surface([{ name: HOSTILE, description: 'd' }, { name: 'same' }]),
        http: surface([{ name: 'same' }]),
      },
      latency: { stdio: [1.2, 1.4, 3], http: [0.3, 0.4, 2.2] },
      calls: ['ping', 'tool same'],
      madeUp: ['API_KEY'],
    },
  },
};

const written = (name: ReporterName) => reportVerification(name, report);

/** Every tag closed in order, every `&` an entity: throws the first place where not. */
function expectWellFormed(xml: string): void {
  const open: string[] = [];
  for (const [, closing, name, selfClosing] of xml
    .replace(/^<\?xml[^>]*\?>/, '')
    .matchAll(/<(\/?)([\w:]+)(?:\s+[\w:]+="[^"<]*")*\s*(\/?)>/g)) {
    if (closing) expect(open.pop()).toBe(name);
    else if (!selfClosing) open.push(name!);
  }
  expect(open).toEqual([]);
  expect(xml.replace(/<\/?[\w:]+(?:\s+[\w:]+="[^"<]*")*\s*\/?>|<\?xml[^>]*\?>/g, '')).not.toMatch(/[<>]/);
  expect(xml).not.toMatch(/&(?!(?:amp|lt|gt|quot|#39);)/);
  expect(xml).not.toContain('\u0007');
}

it('junit: well-formed, with counts, times, places, reasons and differences', () => {
  const xml = written('junit');
  expectWellFormed(xml);
  expect(xml).toContain('tests="3" failures="1" errors="0" skipped="1" time="2.000"');
  expect(xml).toContain('<skipped message="the build checks them" />');
  expect(xml).toContain('name="parity" time="0.800" file="src/my server.ts" line="7"');
  expect(xml).toContain('instructions: &quot;a, b: 100%&quot; → null</failure>');
});

it('sarif: a rule per check, a result with a place per difference, skips as notes', () => {
  const { version, runs } = JSON.parse(written('sarif'));
  expect(version).toBe('2.1.0');
  const [run] = runs;
  expect(run.tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(['build', 'types', 'parity']);
  expect(run.results).toHaveLength(2);
  for (const result of run.results) {
    expect(run.tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
    expect(result.locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: 'src/my%20server.ts', uriBaseId: '%SRCROOT%' },
      region: { startLine: 7, startColumn: 3 },
    });
  }
  expect(run.invocations[0].toolExecutionNotifications[0].message.text).toBe('types: the build checks them');
});

it('github: one annotation per failure, with everything escaped that the syntax needs', () => {
  const lines = written('github').trimEnd().split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[2]).toMatch(
    /^::error file=src\/my server\.ts,line=7,col=3,title=create-mcp-prod verify%3A parity::tools/,
  );
  expect(lines[2]).toContain('missing%0Ainstructions: "a, b: 100%25" → null');
});

it('html: one page without script or network, everything escaped, every section there', () => {
  const page = written('html');
  expect(page).not.toMatch(/<script|<link|<img|url\(|@import|https?:\/\//);
  expect(page).toContain('&lt;img src=x onerror=');
  for (const text of [
    '1 of 3 checks failed',
    promises.parity!,
    'Surface, side by side',
    'handlers push to it',
    'src/a.ts:3',
    'API_KEY',
    'median 1.4 ms',
    'prefers-color-scheme: dark',
    'width=device-width',
  ]) {
    expect(page).toContain(text);
  }
  expect(page).toMatch(/<code>same<\/code><\/td>\s*<td>there<\/td><td class="pass">✓ same/);
  expect(page).toMatch(/<td>there<\/td><td class="fail">✗ missing/);
});

it('puts every latency into one class and finds quantiles by nearest rank', () => {
  const classes = classifyLatency([0.2, 0.5, 7], [6, 20_000]);
  expect(classes.map(({ label }) => label).at(0)).toBe('< 0.5 ms');
  expect(classes.map(({ label }) => label).at(-1)).toBe('≥ 5000 ms');
  expect(classes.reduce((sum, { stdio, http }) => sum + stdio + http, 0)).toBe(5);
  expect(classifyLatency([], [])).toEqual([]);
  expect(quantile([3, 1, 2, 4], 0.5)).toBe(2);
  expect(quantile([3, 1, 2, 4], 0.99)).toBe(4);
  expect(quantile([], 0.5)).toBe(0);
});
