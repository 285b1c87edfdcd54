/** Edits package.json by key path: nothing is lost, and the formatting stays. */

import { applyEdits, modify, parse } from 'jsonc-parser';
import semver from 'semver';
import type { Diagnostic } from '../model.js';

/** What the HTTP service needs of package.json. */
export interface Needs {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  /** The project is converted already; scripts that are there are its own to change. */
  readonly keepScripts: boolean;
}

interface Merged {
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
}

type Section = Readonly<Record<string, string>>;

interface PackageJson {
  readonly dependencies?: Section;
  readonly devDependencies?: Section;
  readonly scripts?: Section;
}

/** Adds what is needed. What the project has keeps its place, its range where that suffices, and its scripts. */
export function mergePackageJson(original: string, needs: Needs): Merged {
  const bom = original.startsWith('\uFEFF') ? '\uFEFF' : '';
  const editor = editing(original.slice(bom.length));
  const diagnostics: Diagnostic[] = [];
  for (const [name, command] of Object.entries(needs.scripts)) {
    if (needs.keepScripts && editor.now().scripts?.[name] !== undefined) continue;
    diagnostics.push(...addScript(editor, name, command));
  }
  for (const [name, range] of Object.entries(needs.dependencies)) {
    diagnostics.push(...addDependency(editor, name, range));
  }
  for (const [name, range] of Object.entries(needs.devDependencies)) {
    diagnostics.push(...addDevDependency(editor, name, range));
  }
  return { text: bom + editor.text(), diagnostics };
}

function addScript(editor: Editor, name: string, command: string): readonly Diagnostic[] {
  const has = editor.now().scripts?.[name];
  if (has === command) return [];
  // A longer form of what was there adds a step; anything else keeps the user's script under another name.
  if (has !== undefined && !command.includes(has)) {
    const kept = freeScript(editor, `${name}:before`);
    const moved = {
      code: 'script-moved',
      at: editor.locate(['scripts', name]),
      args: { script: name, command: has, kept },
    };
    editor.insert(['scripts', kept], has);
    editor.insert(['scripts', name], command);
    return [moved];
  }
  editor.insert(['scripts', name], command);
  return [];
}

function freeScript(editor: Editor, wanted: string): string {
  const taken = editor.now().scripts ?? {};
  let name = wanted;
  for (let count = 2; taken[name] !== undefined; count++) name = `${wanted}:${count}`;
  return name;
}

function addDependency(editor: Editor, name: string, needs: string): readonly Diagnostic[] {
  const { dependencies, devDependencies } = editor.now();
  const has = dependencies?.[name] ?? devDependencies?.[name];
  const at = editor.locate([dependencies?.[name] ? 'dependencies' : 'devDependencies', name]);
  const choice = has === undefined ? needs : chooseRange(has, needs);
  if (choice === undefined) {
    return [{ code: 'dependency-conflict', at, args: { name, has: has ?? '', needs } }];
  }
  if (dependencies?.[name] !== choice) editor.insert(['dependencies', name], choice);
  if (devDependencies?.[name] !== undefined) editor.remove(['devDependencies', name]);
  return has === undefined || has === choice
    ? []
    : [{ code: 'dependency-raised', at, args: { name, has, needs: choice } }];
}

function addDevDependency(editor: Editor, name: string, needs: string): readonly Diagnostic[] {
  const section = editor.now().dependencies?.[name] ? 'dependencies' : 'devDependencies';
  const has = editor.now()[section]?.[name];
  if (has !== undefined && (semver.validRange(has) === null || semver.subset(has, needs))) return [];
  const at = editor.locate([section, name]);
  editor.insert([section, name], needs);
  return has === undefined ? [] : [{ code: 'dependency-raised', at, args: { name, has, needs } }];
}

/** The project's range where every version in it will do; ours where some would; nothing where none can. */
function chooseRange(has: string, needs: string): string | undefined {
  // workspace:, catalog:, file:, git and tags: whoever wrote that knows which version it is.
  if (semver.validRange(has) === null || semver.subset(has, needs)) return has;
  return semver.intersects(has, needs) ? needs : undefined;
}

type Editor = ReturnType<typeof editing>;

function editing(original: string) {
  let text = original;
  const formattingOptions = {
    tabSize: /^( +)"/m.exec(original)?.[1]?.length ?? 2,
    insertSpaces: !/^\t/m.test(original),
    eol: original.includes('\r\n') ? '\r\n' : '\n',
  };
  const now = () => (parse(text) ?? {}) as PackageJson;
  return {
    now,
    text: () => text,
    /** Keeps an alphabetic section alphabetic; a section that is missing comes last. */
    insert: ([section, key]: readonly [keyof PackageJson, string], value: string) => {
      const getInsertionIndex = (keys: string[]) => {
        const sorted = keys.every((one, index) => index === 0 || keys[index - 1]! <= one);
        const before = keys.findIndex((one) => one > key);
        return sorted && before >= 0 ? before : keys.length;
      };
      const edits = now()[section]
        ? modify(text, [section, key], value, { formattingOptions, getInsertionIndex })
        : modify(text, [section], { [key]: value }, { formattingOptions });
      text = applyEdits(text, edits);
    },
    remove: (path: readonly [keyof PackageJson, string]) => {
      text = applyEdits(text, modify(text, [...path], undefined, { formattingOptions }));
    },
    locate: ([section, key]: readonly [string, string]) => {
      const lines = text.split('\n');
      const start = lines.findIndex((line) => line.includes(`"${section}"`));
      const line = lines.findIndex((one, index) => index >= start && one.includes(`"${key}"`));
      return { file: 'package.json', line: Math.max(line, 0) + 1, column: 1 };
    },
  };
}
