import type { Check, StateBinding } from '../../model.js';
import { same } from '../canonical.js';
import { type Listing, membersOf, type Surface } from '../surface.js';
import { style } from './html-style.js';
import { classifyLatency, quantile } from './latency.js';
import { promises } from './promises.js';
import type { Report } from './report-verification.js';
import { escapeXml } from './xml.js';

/** A piece of HTML that needs no more escaping. */
class Markup {
  constructor(readonly text: string) {}
}

type Piece = string | number | Markup | readonly Markup[];

/** HTML with everything that is put in escaped, unless it is markup itself. */
function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  const render = (piece: Piece | undefined): string => {
    if (piece === undefined) return '';
    if (piece instanceof Markup) return piece.text;
    return typeof piece === 'object' ? piece.map(({ text }) => text).join('') : escapeXml(String(piece));
  };
  return new Markup(strings.map((text, index) => text + render(pieces[index])).join(''));
}

/** One page that needs nothing else: no script, no font, no network. Light and dark, phone and desktop. */
export function reportAsHtml(report: Report): string {
  const { checks } = report.verification;
  const failed = checks.filter((check) => check.status === 'fail').length;
  const passed = checks.filter((check) => check.status === 'pass').length;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${report.name}: ${failed === 0 ? 'proven' : 'not proven'}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
<p class="eyebrow">create-mcp-prod ${report.version} · verify</p>
<h1>${report.name}</h1>
<p class="verdict ${failed === 0 ? 'pass' : 'fail'}">${headline(failed, passed, checks.length)}</p>
</header>
<main>
${checksSection(checks)}
${foundSection(report)}
${surfaceSection(report)}
${stateSection(report)}
${latencySection(report)}
</main>
</body>
</html>
`;
  return page.text;
}

const headline = (failed: number, passed: number, all: number) =>
  failed === 0
    ? `HTTP answers what stdio answers: ${passed} of ${all} checks passed${passed < all ? `, ${all - passed} did not apply` : ''}`
    : `${failed} of ${all} checks failed`;

const WORDS = { pass: 'passed', fail: 'failed', skip: 'skipped' } as const;

function checksSection(checks: readonly Check[]): Markup {
  return html`<section><h2>Checks</h2><ul class="checks">${checks.map(
    (
      check,
    ) => html`<li class="${check.status}"><div class="check"><span class="badge ${check.status}">${WORDS[check.status]}</span>
<strong>${promises[check.id] ?? check.id}</strong><span class="quiet">${check.id}${check.ms ? ` · ${seconds(check.ms)}` : ''}</span></div>
<p>${check.detail}</p>${differencesOf(check)}</li>`,
  )}</ul></section>`;
}

function differencesOf({ differences = [] }: Check): Markup {
  if (differences.length < 2) return html``;
  return html`<details${new Markup(differences.length > 6 ? '' : ' open')}><summary>${differences.length} differences</summary><ol class="differences">${differences
    .slice(0, 100)
    .map((line) => html`<li><code>${line}</code></li>`)}</ol></details>`;
}

function foundSection({ inspection, manifest, options, verification }: Report): Markup {
  const { entry, build, sdk, server } = inspection;
  const { madeUp } = verification.evidence;
  const facts: readonly (readonly [string, string])[] = [
    ['Entry', entry ? `${entry.file} (${entry.because})` : 'not found'],
    [
      'Server',
      server
        ? `${server.shape}, ${server.construction.file}:${server.construction.line}`
        : manifest.seam.module,
    ],
    ['SDK', sdk ? `${sdk.line} ${sdk.range}, ${sdk.api}` : manifest.seam.sdk],
    ['Build', build.kind === 'none' ? `none, run by ${build.runner}` : build.tool],
    ['Sessions', `${manifest.seam.sessions}: ${manifest.seam.because}`],
    ['Factory', `${manifest.seam.exportName} in ${manifest.seam.module}`],
    ['Authentication', options.auth],
    ['Rate limit', options.rateLimit],
    ['Made-up variables', madeUp.join(', ') || 'none'],
  ];
  const files = Object.keys(manifest.base);
  return html`<section><h2>Found and changed</h2><dl>${facts.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>${
    files.length === 0
      ? html``
      : html`<details><summary>${files.length} generated files</summary><ul class="files">${files.map(
          (file) => html`<li><code>${file}</code></li>`,
        )}</ul></details>`
  }</section>`;
}

const LISTS: readonly (readonly [keyof Surface, noun: string])[] = [
  ['tools', 'Tools'],
  ['resources', 'Resources'],
  ['resourceTemplates', 'Resource templates'],
  ['prompts', 'Prompts'],
];

function surfaceSection({ verification }: Report): Markup {
  const { stdio, http } = verification.evidence.surfaces;
  if (!stdio) return html``;
  const greeting = (['serverInfo', 'capabilities', 'instructions'] as const).map((part) =>
    surfaceRow(part, '', stdio[part], http?.[part] ?? (http ? null : undefined)),
  );
  const lists = LISTS.flatMap(([key, noun]) =>
    listRows(noun, stdio[key] as Listing, http?.[key] as Listing | undefined),
  );
  return html`<section><h2>Surface, side by side</h2><table class="surface"><thead><tr><th>What a client sees</th><th>stdio</th><th>HTTP</th></tr></thead>
<tbody><tr class="group"><th colspan="3">Greeting</th></tr>${greeting}${lists}</tbody></table></section>`;
}

function listRows(noun: string, stdio: Listing, http: Listing | undefined): Markup[] {
  const [left, right] = [byName(stdio), byName(http ?? [])];
  const names = [...new Set([...left.keys(), ...right.keys()])];
  if (names.length === 0) return [];
  const rows = names.map((name) => {
    const [one, other] = [left.get(name), right.get(name)];
    const description = String((one ?? other)?.description ?? '');
    return surfaceRow(name, description, one, http ? other : undefined);
  });
  return [html`<tr class="group"><th colspan="3">${noun} (${names.length})</th></tr>`, ...rows];
}

const byName = (listing: Listing) =>
  new Map(
    membersOf(listing).map((member) => [String(member.uri ?? member.uriTemplate ?? member.name), member]),
  );

function surfaceRow(name: string, description: string, stdio: unknown, http: unknown): Markup {
  const word = (value: unknown) => (value === undefined ? 'missing' : 'there');
  const overHttp =
    stdio !== undefined && http !== undefined ? (same(stdio, http) ? 'same' : 'differs') : word(http);
  const good = overHttp === 'same';
  return html`<tr><td><code>${name}</code>${description ? html`<p class="quiet">${shorten(description)}</p>` : html``}</td>
<td>${word(stdio)}</td><td class="${good ? 'pass' : 'fail'}">${good ? '✓ ' : '✗ '}${overHttp}</td></tr>`;
}

const shorten = (text: string) => (text.length > 140 ? `${text.slice(0, 140)}…` : text);

function stateSection({ inspection, manifest, verification }: Report): Markup {
  const isolation = verification.checks.find(({ id }) => id === 'isolation');
  const compared = verification.evidence.calls.filter((label) => /^(tool|resource|prompt) /.test(label));
  return html`<section><h2>State and isolation</h2>
<p>${isolation ? `Isolation ${WORDS[isolation.status]}: ${isolation.detail}.` : 'Isolation was not checked.'}${
    manifest.seam.sessionScope ? ` Session state is kept by ${manifest.seam.sessionScope}.` : ''
  }</p>
${inspection.state.length === 0 ? html`<p class="quiet">The source keeps no state that clients would share.</p>` : stateTable(inspection.state)}
<details><summary>${compared.length} calls were compared</summary><ul class="files">${compared.map(
    (label) => html`<li><code>${label}</code></li>`,
  )}</ul></details></section>`;
}

function stateTable(state: readonly StateBinding[]): Markup {
  return html`<table class="stacked"><thead><tr><th>Binding</th><th>Kind</th><th>Decision</th><th>Reason</th></tr></thead><tbody>${state.map(
    ({
      name,
      at,
      kind,
      decision,
      reason,
    }) => html`<tr><td data-label="Binding"><code>${name}</code><p class="quiet">${at.file}:${at.line}</p></td>
<td data-label="Kind">${kind}</td><td data-label="Decision"><span class="badge ${decision === 'isolate' ? 'pass' : 'skip'}">${decision}</span></td><td data-label="Reason">${reason}</td></tr>`,
  )}</tbody></table>`;
}

function latencySection({ verification }: Report): Markup {
  const { stdio, http } = verification.evidence.latency;
  if (stdio.length === 0 || http.length === 0) return html``;
  const classes = classifyLatency(stdio, http);
  const most = Math.max(...classes.flatMap((each) => [each.stdio, each.http]));
  const bar = (kind: 'stdio' | 'http', count: number) =>
    html`<span class="bar ${kind}" style="--share:${(count / most).toFixed(3)}"><i></i><b>${count}</b></span>`;
  return html`<section><h2>Latency</h2>
<p class="legend"><span><i class="stdio"></i>stdio: median ${milliseconds(quantile(stdio, 0.5))}, p99 ${milliseconds(quantile(stdio, 0.99))}</span>
<span><i class="http"></i>HTTP: median ${milliseconds(quantile(http, 0.5))}, p99 ${milliseconds(quantile(http, 0.99))}</span></p>
<table class="histogram"><caption>Calls by the time they took; the same ${http.length} calls by one client over each transport</caption>
<thead class="hidden"><tr><th>Time</th><th>Calls over stdio, then HTTP</th></tr></thead><tbody>${classes.map(
    (each) =>
      html`<tr><th>${each.label}</th><td>${bar('stdio', each.stdio)}${bar('http', each.http)}</td></tr>`,
  )}</tbody></table></section>`;
}

const milliseconds = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const seconds = (ms: number) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);
