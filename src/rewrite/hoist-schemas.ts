import { descendants, ts } from '../inspect/source.js';
import { extentOf, FileEdits, indentUnit, reindent } from './edits.js';
import { schemaPurity } from './schema-purity.js';

/** What a registration takes schemas in: by the property of its second argument, or as arguments of their own. */
const REGISTERS = new Map<string, readonly string[] | 'arguments'>([
  ['registerTool', ['inputSchema', 'outputSchema']],
  ['registerPrompt', ['argsSchema']],
  ['tool', 'arguments'],
  ['prompt', 'arguments'],
]);

const SUFFIXES: Readonly<Record<string, string>> = {
  inputSchema: 'Input',
  outputSchema: 'Output',
  argsSchema: 'Arguments',
};

/**
 * Lifts schemas of registrations out of the factory to constants in front of it: built for each client, a schema
 * costs a hundred times what its registration does. Only what is the same whenever it is built is lifted.
 *
 * @param text a module after the rewrite
 * @param factory the name of the function in it that was made to build servers
 * @param isImported is a name imported that stands for an unchanging constant of another module?
 */
export function hoistSchemas(
  path: string,
  text: string,
  factory: string,
  isImported: (name: string) => boolean,
): string {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const home = file.statements.find((statement) => declares(statement, factory));
  if (!home) return text;
  const isPure = schemaPurity(file, home, isImported);
  const edits = new FileEdits(file);
  const unit = indentUnit(text);
  const semicolon = /;[ \t]*(?:\r?\n|$)/.test(text) ? ';' : '';
  const taken = new Set(descendants(file, ts.isIdentifier).map((name) => name.text));
  const lifted: string[] = [];
  for (const { schema, suffix, owner } of schemasIn(home)) {
    const name = constantName(owner, suffix, taken);
    if (!name || !buildsSomething(schema) || !isPure(schema)) continue;
    taken.add(name);
    const lineStart = text.lastIndexOf('\n', schema.getStart()) + 1;
    const depth = /^[ \t]*/.exec(text.slice(lineStart))?.[0].length ?? 0;
    const body = reindent(edits, schema.getStart(), schema.end, -Math.round(depth / unit.length), unit);
    const line = `const ${name} = ${body}${semicolon}`;
    lifted.push(line);
    edits.replace(schema.getStart(), schema.end, name);
  }
  if (lifted.length === 0) return text;
  // Short ones stand together, long ones apart.
  const block = lifted.reduce((before, line) => {
    const isLong = line.includes('\n') || before.slice(before.lastIndexOf('\nconst ') + 1).includes('\n');
    return `${before}${isLong ? '\n\n' : '\n'}${line}`;
  });
  edits.insertBefore(extentOf(home).start, `${block}\n\n`);
  return edits.whole();
}

function declares(statement: ts.Statement, name: string): boolean {
  if (ts.isFunctionDeclaration(statement)) return statement.name?.text === name;
  return (
    ts.isVariableStatement(statement) &&
    statement.declarationList.declarations.some((declaration) => declaration.name.getText() === name)
  );
}

interface Found {
  readonly schema: ts.Expression;
  /** Told apart by what it describes. */
  readonly suffix: string;
  /** Name of the tool or prompt. */
  readonly owner: string;
}

function schemasIn(home: ts.Statement): Found[] {
  return descendants(home, ts.isCallExpression).flatMap((call): Found[] => {
    const callee = call.expression;
    const takes = ts.isPropertyAccessExpression(callee) ? REGISTERS.get(callee.name.text) : undefined;
    const [name, ...rest] = call.arguments;
    if (!takes || !name || !ts.isStringLiteralLike(name)) return [];
    const suffix =
      ts.isPropertyAccessExpression(callee) && callee.name.text === 'prompt' ? 'Arguments' : 'Input';
    if (takes === 'arguments')
      return rest
        .slice(0, -1)
        .filter(ts.isObjectLiteralExpression)
        .map((schema) => ({ schema, suffix, owner: name.text }));
    const config = rest[0];
    if (!config || !ts.isObjectLiteralExpression(config)) return [];
    return config.properties.flatMap((property) => {
      const key = property.name?.getText() ?? '';
      return ts.isPropertyAssignment(property) && takes.includes(key)
        ? [{ schema: property.initializer, suffix: SUFFIXES[key] ?? 'Schema', owner: name.text }]
        : [];
    });
  });
}

/** Literals cost nothing, and lose their exact type when they are lifted. */
const buildsSomething = (schema: ts.Expression): boolean =>
  ts.isCallExpression(schema) || descendants(schema, ts.isCallExpression).length > 0;

/** `convert_length` → `convertLengthInput`; undefined when the name is taken. */
function constantName(owner: string, suffix: string, taken: ReadonlySet<string>): string | undefined {
  const words = owner.split(/[^A-Za-z0-9]+/).filter(Boolean);
  const camel = words
    .map(
      (word, index) =>
        (index === 0 ? word.charAt(0).toLowerCase() : word.charAt(0).toUpperCase()) + word.slice(1),
    )
    .join('');
  const stem = /^[A-Za-z]/.test(camel) ? camel : `tool${camel}`;
  return [`${stem}${suffix}`, `${stem}${suffix}Schema`].find((name) => !taken.has(name));
}
