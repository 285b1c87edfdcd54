// Writes the runtime templates as JavaScript, for projects without TypeScript: types erased, comments and blank lines
// kept, as ES modules (templates/js/esm) and as CommonJS (templates/js/cjs). Run by `npm run build`.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { blankSourceFile } from 'ts-blank-space';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '..');
const sources = path.join(root, 'templates/http');
const target = path.join(root, 'templates/js');

const parse = (text) =>
  ts.createSourceFile('template.ts', text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);

const isTypeOnly = (statement) =>
  ts.isInterfaceDeclaration(statement) ||
  ts.isTypeAliasDeclaration(statement) ||
  (ts.isImportDeclaration(statement) && statement.importClause?.isTypeOnly) ||
  (ts.isExportDeclaration(statement) && statement.isTypeOnly);

/** Cuts what only the compiler reads, with the comments that belong to it, so that no holes are left. */
function cutTypes(text) {
  const source = parse(text);
  const cuts = [];
  source.statements.forEach((statement, index) => {
    if (!isTypeOnly(statement)) return;
    const previous = source.statements[index - 1];
    // A comment at the top of a file that is set apart by a blank line speaks of the file.
    const start = previous ? previous.end : firstOwnComment(text, statement);
    cuts.push([start, statement.end]);
  });
  for (const member of membersWithoutCode(source)) cuts.push([member.getFullStart(), member.end]);
  return cut(text, cuts);
}

function firstOwnComment(text, statement) {
  const comments = ts.getLeadingCommentRanges(text, statement.getFullStart()) ?? [];
  const fileComments = comments.filter((comment) => /^\s*\n\s*\n/.test(text.slice(comment.end)));
  return fileComments.at(-1)?.end ?? 0;
}

/** Optional declarations without a value (`onclose?: () => void;`): in JavaScript they would only be noise. */
function membersWithoutCode(source) {
  const found = [];
  const visit = (node) => {
    if (ts.isPropertyDeclaration(node) && node.questionToken && !node.initializer) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const cut = (text, cuts) =>
  cuts.sort(([a], [b]) => b - a).reduce((rest, [start, end]) => rest.slice(0, start) + rest.slice(end), text);

/** `type` names inside of mixed imports are erased by ts-blank-space, which leaves commas and blanks behind. */
const tidyImports = (text) =>
  text.replace(/^(import|export) \{([^}]*)\} from/gm, (whole, keyword, names) => {
    const kept = names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type '));
    return kept.length === 0 ? whole : `${keyword} { ${kept.join(', ')} } from`;
  });

const toEsm = (text) => tidyBlanks(blankSourceFile(parse(tidyImports(cutTypes(text)))));

/** Blanks where types were: at the ends of lines, before punctuation, and around what is left. */
function tidyBlanks(text) {
  return (
    text
      .split('\n')
      .map((line) => line.replace(/(\S) {2,}(?=\S)/g, '$1 ').trimEnd())
      // Bracket access is what strict TypeScript asks for.
      .map((line) =>
        line.replace(/\?\.\['([A-Za-z_]\w*)'\]/g, '?.$1').replace(/([\w)])\['([A-Za-z_]\w*)'\]/g, '$1.$2'),
      )
      .join('\n')
      .replace(/^\n+/, '')
      .replace(/\n{3,}/g, '\n\n')
  );
}

/** ES module syntax to `require` and `module.exports`; templates use no other forms than these. */
function toCommonJs(text) {
  const source = parse(text);
  const names = [];
  const edits = [];
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      edits.push([statement.getStart(), statement.end, asRequire(statement)]);
    } else if (ts.isExportDeclaration(statement) || ts.isExportAssignment(statement)) {
      throw new Error(`cannot be emitted as CommonJS: ${statement.getText()}`);
    } else if (statement.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)) {
      names.push(...declared(statement));
      const keyword = statement.modifiers.find((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword);
      edits.push([keyword.getStart(), keyword.end + 1, '']);
    }
  }
  const body = edits
    .sort(([a], [b]) => b - a)
    .reduce((rest, [start, end, by]) => rest.slice(0, start) + by + rest.slice(end), text);
  return names.length === 0 ? body : `${body.trimEnd()}\n\nmodule.exports = { ${names.join(', ')} };\n`;
}

function asRequire(statement) {
  const module = statement.moduleSpecifier.getText();
  const clause = statement.importClause;
  const parts = [];
  const named = clause?.namedBindings;
  if (clause?.name) parts.push(`const ${clause.name.text} = require(${module});`);
  if (named && ts.isNamespaceImport(named)) parts.push(`const ${named.name.text} = require(${module});`);
  else if (named) {
    const list = named.elements.map(({ name, propertyName }) =>
      propertyName ? `${propertyName.text}: ${name.text}` : name.text,
    );
    parts.push(`const { ${list.join(', ')} } = require(${module});`);
  }
  return parts.length === 0 ? `require(${module});` : parts.join('\n');
}

const declared = (statement) =>
  ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.map((declaration) => declaration.name.getText())
    : [statement.name.text];

const formats = { esm: toEsm, cjs: (text) => toCommonJs(toEsm(text)) };

fs.rmSync(target, { recursive: true, force: true });
for (const entry of fs.readdirSync(sources, { recursive: true })) {
  if (!entry.endsWith('.ts')) continue;
  const text = fs.readFileSync(path.join(sources, entry), 'utf8');
  for (const [format, emit] of Object.entries(formats)) {
    const file = path.join(target, format, entry.replace(/\.ts$/, '.js'));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, emit(text));
  }
}
// The formatter puts back on one line what fits there without its types.
const biome = path.join(root, 'node_modules/@biomejs/biome/bin/biome');
execFileSync(process.execPath, [biome, 'format', '--write', '--vcs-enabled=false', target], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
