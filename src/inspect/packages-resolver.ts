import { basename, dirname, join, relative } from 'node:path/posix';
import { parse } from 'jsonc-parser';
import type { Project } from '../model.js';
import { sourceOf } from './built-from.js';
import { SDK } from './connect.js';
import type { PackageJson } from './package-json.js';
import { Resolver, targetsOf } from './resolver.js';

/** A package among others, by its directory. */
interface Package extends PackageJson {
  readonly home: string;
}

/** Resolves imports in every package of several as its own configuration says, and those of one package in another. */
export class PackagesResolver extends Resolver {
  /** The innermost first. */
  private readonly packages: readonly Package[];
  private readonly inside = new Map<string, Resolver>();
  private readonly known = new Map<string, string | undefined>();

  constructor(private readonly whole: Project) {
    super(whole);
    this.packages = [...whole.files]
      .filter(([path]) => basename(path) === 'package.json')
      .map(([path, text]) => ({ ...(parse(text) as PackageJson | undefined), home: dirname(path) }))
      .sort((one, other) => other.home.length - one.home.length);
  }

  override resolve(from: string, specifier: string): string | undefined {
    const home = this.packages.find((one) => isBelow(one.home, from))?.home ?? '.';
    const resolver = this.inside.get(home) ?? new Resolver(this.whole, home);
    this.inside.set(home, resolver);
    return resolver.resolve(from, specifier) ?? super.resolve(from, specifier) ?? this.ofPackage(specifier);
  }

  private ofPackage(specifier: string): string | undefined {
    if (!this.known.has(specifier)) this.known.set(specifier, this.exported(specifier));
    return this.known.get(specifier);
  }

  /** The source of what another package exports under a specifier. */
  private exported(specifier: string): string | undefined {
    // What stands for a server or a transport is known by its package.
    if (SDK.test(specifier)) return undefined;
    for (const one of this.packages) {
      const { name } = one;
      if (name !== undefined && (specifier === name || specifier.startsWith(`${name}/`)))
        return this.sourceIn(one, `.${specifier.slice(name.length)}`);
    }
    return undefined;
  }

  /** The source that is built to what a package exports under a path, `.` for the package itself. */
  private sourceIn({ home, exports, main, module }: Package, path: string): string | undefined {
    const table = exports && typeof exports === 'object' ? exports : { '.': exports };
    // Conditions stand where the paths would, when there is only one.
    const exported = targetsOf({ '.': table, ...table }, path);
    const named = path === '.' ? [module, main, './src/index.js', './index.js'] : [path];
    const part = partOf(this.whole, home);
    return [...exported, ...named]
      .filter((target) => target !== undefined)
      .map((target) => target.replace(/\.d\.([cm]?)ts$/, '.$1js'))
      .flatMap((target) => [sourceOf(part, join(target)), target])
      .map((target) => target && this.file(join(home, target)))
      .find(Boolean);
  }
}

const isBelow = (home: string, path: string): boolean => home === '.' || path.startsWith(`${home}/`);

/** One package as a project of its own. */
const partOf = ({ root, files }: Project, home: string): Project => ({
  root,
  files: new Map(
    [...files].flatMap(([path, text]) =>
      isBelow(home, path) ? [[relative(home, path), text] as const] : [],
    ),
  ),
});
