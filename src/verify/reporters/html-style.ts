/** The look of the HTML report: system fonts, colours that keep 4.5:1 contrast in light and dark. */
export const style = `
:root {
  --ground: #f6f7f9; --card: #ffffff; --ink: #1a1f27; --quiet: #586174; --line: #dde1e8;
  --pass: #11703b; --pass-soft: #dff3e6; --fail: #b3261e; --fail-soft: #fbe3e1; --skip: #586174; --skip-soft: #e9ecf1;
  --stdio: #7a86a0; --http: #2563c9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12151a; --card: #1b2028; --ink: #e8ebf0; --quiet: #a2abbb; --line: #313844;
    --pass: #6fd69a; --pass-soft: #17351f; --fail: #ff9a90; --fail-soft: #45201d; --skip: #a2abbb; --skip-soft: #2a303a;
    --stdio: #8b97b0; --http: #6ea2ff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
header, main { max-width: 60rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.125rem; margin: 0 0 .75rem; }
p { margin: .25rem 0; }
.eyebrow, .quiet, caption { color: var(--quiet); font-size: .875rem; }
.verdict { display: inline-block; padding: .375rem .75rem; border-radius: .5rem; font-weight: 600; }
.verdict.pass, .badge.pass { background: var(--pass-soft); color: var(--pass); }
.verdict.fail, .badge.fail { background: var(--fail-soft); color: var(--fail); }
.badge.skip { background: var(--skip-soft); color: var(--skip); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.25rem; margin: 1rem 0; }
.checks, .files, .differences { margin: 0; padding: 0; list-style: none; }
.checks > li { padding: .625rem 0; border-top: 1px solid var(--line); }
.checks > li:first-child { border-top: 0; padding-top: 0; }
.check { display: flex; flex-wrap: wrap; gap: .25rem .625rem; align-items: baseline; }
.badge { font-size: .8125rem; font-weight: 600; padding: .0625rem .5rem; border-radius: 1rem; white-space: nowrap; }
.differences { margin-top: .375rem; padding: .5rem .75rem; background: var(--ground); border-radius: .5rem; }
.differences li { padding: .125rem 0; }
code { font: .875rem/1.5 ui-monospace, monospace; }
summary { cursor: pointer; color: var(--quiet); font-size: .875rem; padding: .375rem 0; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: .5rem 1.5rem; margin: 0; }
dl div { display: grid; grid-template-columns: 9rem 1fr; gap: .5rem; }
dt { color: var(--quiet); }
dd { margin: 0; }
table { border-collapse: collapse; width: 100%; margin-top: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .4375rem .5rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--quiet); font-weight: 600; font-size: .875rem; }
.surface td:nth-child(n + 2), .surface thead th:nth-child(n + 2) { width: 6rem; }
.surface td p { margin: 0; }
.surface td:nth-child(n + 2) { white-space: nowrap; }
.group th { color: var(--quiet); font-size: .875rem; padding-top: .875rem; }
td.pass { color: var(--pass); } td.fail { color: var(--fail); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; }
.legend i { display: inline-block; width: .75rem; height: .75rem; border-radius: .1875rem; margin-right: .5rem; }
.legend .stdio, .bar.stdio i { background: var(--stdio); }
.legend .http, .bar.http i { background: var(--http); }
caption { caption-side: bottom; text-align: left; padding-top: .5rem; }
.histogram th { width: 7.5rem; font-weight: 400; white-space: nowrap; font-variant-numeric: tabular-nums; vertical-align: middle; border: 0; }
.histogram td { border: 0; }
.bar { display: flex; align-items: center; gap: .5rem; height: 1.125rem; }
.bar i { display: block; height: .75rem; width: calc((100% - 3rem) * var(--share)); border-radius: 0 .1875rem .1875rem 0; }
.bar b { font-weight: 400; font-size: .8125rem; color: var(--quiet); font-variant-numeric: tabular-nums; }
.hidden { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
@media (max-width: 40rem) {
  section { padding: .875rem; }
  dl div { grid-template-columns: 1fr; gap: 0; }
  .stacked thead { display: none; }
  .stacked tr { display: block; border-top: 1px solid var(--line); padding: .5rem 0; }
  .stacked td { display: grid; grid-template-columns: 5.5rem 1fr; border: 0; padding: .125rem 0; }
  .stacked td::before { content: attr(data-label); color: var(--quiet); font-size: .875rem; grid-row: span 2; }
  .stacked .badge { justify-self: start; }
  .surface td:nth-child(n + 2), .surface thead th:nth-child(n + 2) { width: 4.75rem; }
  .histogram th { width: 6rem; padding-left: 0; }
}
@media print { body { background: none; } section { break-inside: avoid; } }
`;
