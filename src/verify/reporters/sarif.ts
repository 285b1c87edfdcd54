import type { Check } from '../../model.js';
import { promises } from './promises.js';
import type { Report } from './report-verification.js';

/** SARIF 2.1.0, as code scanning reads it: a rule per check, a result per difference. */
export function reportAsSarif({ version, verification: { checks }, manifest }: Report): string {
  const rules = checks.map(({ id }) => ({
    id,
    shortDescription: { text: promises[id] ?? id },
    defaultConfiguration: { level: 'error' },
  }));
  const results = checks.flatMap((check, ruleIndex) =>
    messagesOf(check).map((text) => ({
      ruleId: check.id,
      ruleIndex,
      level: 'error',
      message: { text },
      locations: [locationOf(check, manifest.seam.module)],
      // the same difference is the same alert from run to run
      partialFingerprints: { difference: `${check.id}/${text}`.slice(0, 200) },
    })),
  );
  const notifications = checks
    .filter((check) => check.status === 'skip')
    .map((check) => ({
      level: 'note',
      descriptor: { id: check.id },
      message: { text: `${check.id}: ${check.detail}` },
    }));
  const driver = { name: 'create-mcp-prod', version, rules };
  const invocations = [{ executionSuccessful: true, toolExecutionNotifications: notifications }];
  const run = { tool: { driver }, invocations, results };
  const $schema = 'https://json.schemastore.org/sarif-2.1.0.json';
  return `${JSON.stringify({ $schema, version: '2.1.0', runs: [run] }, null, 2)}\n`;
}

const messagesOf = (check: Check): readonly string[] =>
  check.status !== 'fail' ? [] : (check.differences ?? [check.detail]).slice(0, 50);

/** Code scanning wants a place for every result: where the factory is, unless the check knows better. */
function locationOf(check: Check, otherwise: string) {
  const { file, line, column } = check.at ?? { file: otherwise, line: 1, column: 1 };
  return {
    physicalLocation: {
      artifactLocation: { uri: encodeURI(file), uriBaseId: '%SRCROOT%' },
      region: { startLine: line, startColumn: column },
    },
  };
}
