import { join, relative } from 'node:path/posix';
import type { Diagnostic, Location, Project, StateBinding } from '../model.js';
import { type Analysis, type Given, lifetimesWith, place } from './analysis.js';
import { packageJsonOf } from './package-json.js';
import { PackagesResolver } from './packages-resolver.js';
import { SOURCE } from './resolver.js';
import { enclosingFunction, Sources, ts } from './source.js';
import { bindingOf, type StateFinding } from './state.js';

/** State of clients that is known only when sources are read which are not rewritten. */
export interface StateBeside {
  /** What the project's service would share. */
  readonly shared: readonly StateBinding[];
  /** What each client has for itself, and is remembered between its calls. */
  readonly kept: readonly StateBinding[];
  /** Why the state is not known. */
  readonly diagnostics: readonly Diagnostic[];
}

const known = new WeakMap<Analysis, StateBeside>();

/**
 * State of clients in other packages, and in modules outside of the project. Where there are any, the program is read once
 * more, together with them.
 */
export function findStateBeside(project: Project, analysis: Analysis, given: Given): StateBeside {
  const found = known.get(analysis) ?? readBeside(project, analysis, given);
  known.set(analysis, found);
  return found;
}

function readBeside(project: Project, { entry, sources, site }: Analysis, given: Given): StateBeside {
  const nothing = { shared: [], kept: [], diagnostics: [] };
  if (!hasNeighbours(project, sources)) return nothing;
  const whole = new WholeSources(project, entry.file);
  const isOwn = (node: ts.Node): boolean => sources.files.has(whole.nameOf(node));
  if ([...whole.files.values()].every(isOwn)) return nothing;
  const lifetimes = lifetimesWith(whole, given, isOwn, place(sources.locationOf(site.call)));
  if ('diagnostic' in lifetimes) return { shared: [], kept: [], diagnostics: [lifetimes.diagnostic] };
  const beside = lifetimes.findings.filter(({ declaration }) => !isOwn(declaration));
  const kept = [...beside.filter(({ separated }) => separated === 'by-key'), ...lifetimes.kept];
  return {
    shared: beside.filter(isShared).map((finding) => bindingOf(whole, finding)),
    kept: kept.map((finding) => bindingOf(whole, finding)),
    diagnostics: [],
  };
}

/** May the program import what its own resolver does not know: another package, a module outside, itself by its name? */
function hasNeighbours(project: Project, sources: Sources): boolean {
  const { files, workspaceFiles = new Map<string, string>() } = project;
  const others = [...files.keys(), ...workspaceFiles.keys()];
  const { name = '' } = packageJsonOf(project);
  const own = new RegExp(`\\b(?:from|import|require)\\s*\\(?\\s*['"]${name.replace(/[$.]/g, '\\$&')}['"/]`);
  return (
    others.some((path) => path.endsWith('/package.json')) ||
    [...workspaceFiles.keys()].some((path) => SOURCE.test(path)) ||
    (name !== '' && [...sources.files.values()].some(({ text }) => own.test(text)))
  );
}

/** Is it kept by the module, not made anew for each server? */
const isShared = ({ declaration, decision, kind, stuck, separated }: StateFinding): boolean =>
  decision === 'isolate' &&
  kind !== 'credential' &&
  !separated &&
  (stuck === true || (!ts.isNewExpression(declaration) && !enclosingFunction(declaration)));

/** The program with all that it imports of what is known, in its own package and around it. */
class WholeSources extends Sources {
  /** Directory of the project among all files; what it is called does not matter. */
  private readonly own: string;

  constructor({ root, files, workspaceFiles = new Map() }: Project, entry: string) {
    const up = Math.max(0, ...[...workspaceFiles.keys()].map((path) => path.split('../').length - 1));
    const own = Array.from({ length: up }, () => 'own').join('/');
    const all = [...files, ...workspaceFiles].map(([path, text]) => [join(own, path), text] as const);
    const whole: Project = { root, files: new Map(all) };
    super(whole, join(own, entry), new PackagesResolver(whole));
    this.own = own;
  }

  /** The path of a node's file as the project has it. */
  nameOf(node: ts.Node): string {
    return relative(this.own, this.pathOf(node));
  }

  override locationOf(node: ts.Node): Location {
    return { ...super.locationOf(node), file: this.nameOf(node) };
  }
}
