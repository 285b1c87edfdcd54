import type { Check } from '../../model.js';
import type { Report } from './report-verification.js';
import { escapeXml } from './xml.js';

/** JUnit XML, as CI servers read it: one test case per check. */
export function reportAsJunit({ name, verification: { checks } }: Report): string {
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  const seconds = checks.reduce((sum, check) => sum + (check.ms ?? 0), 0) / 1000;
  const totals = `tests="${checks.length}" failures="${count('fail')}" errors="0" skipped="${count('skip')}" time="${seconds.toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="create-mcp-prod verify" ${totals}>`,
    `  <testsuite name="${escapeXml(name)}" ${totals}>`,
    ...checks.map(testCase),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(check: Check): string {
  const file = check.at ? ` file="${escapeXml(check.at.file)}" line="${check.at.line}"` : '';
  const head = `    <testcase classname="create-mcp-prod" name="${check.id}" time="${((check.ms ?? 0) / 1000).toFixed(3)}"${file}`;
  const message = escapeXml(check.detail);
  if (check.status === 'pass') return `${head} />`;
  const inside =
    check.status === 'skip'
      ? `<skipped message="${message}" />`
      : `<failure message="${message}">${escapeXml((check.differences ?? []).join('\n'))}</failure>`;
  return `${head}>\n      ${inside}\n    </testcase>`;
}
