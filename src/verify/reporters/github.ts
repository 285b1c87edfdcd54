import type { Check } from '../../model.js';
import type { Report } from './report-verification.js';

/** GitHub Actions workflow commands: failures become annotations, the rest one line each in the log. */
export function reportToGithub({ verification: { checks } }: Report): string {
  return `${checks.map(lineFor).join('\n')}\n`;
}

function lineFor(check: Check): string {
  if (check.status === 'pass') return `✔ ${check.id}: ${check.detail}`;
  if (check.status === 'skip') return `– ${check.id}: ${check.detail}`;
  const place = check.at
    ? { file: check.at.file, line: String(check.at.line), col: String(check.at.column) }
    : {};
  const properties = Object.entries({ ...place, title: `create-mcp-prod verify: ${check.id}` })
    .map(([name, value]) => `${name}=${escapeProperty(value)}`)
    .join(',');
  return `::error ${properties}::${escapeData((check.differences ?? [check.detail]).slice(0, 30).join('\n'))}`;
}

const escapeData = (text: string) => text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
const escapeProperty = (text: string) => escapeData(text).replace(/:/g, '%3A').replace(/,/g, '%2C');
