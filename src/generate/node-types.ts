import semver from 'semver';
import type { Inspection, Project } from '../model.js';
import { inheritsFromPackage, readTsconfig } from '../tsconfig.js';

/** The first @types/node of each line that has what the declarations of the service's packages name (`Transferable`). */
const SUFFICE = ['18.19.130', '20.19.0', '22.15.29', '24.0.3'];

/** The range of @types/node that a project needs in place of its own, when it has the compiler check what packages declare. */
export function neededNodeTypes(project: Project, inspection: Inspection, has: string): string | undefined {
  if (!checksPackages(project, inspection) || semver.validRange(has) === null) return undefined;
  const least = semver.minVersion(has);
  const isOpen = semver.satisfies('999.0.0', has);
  const suffices = SUFFICE.find((one) => least !== null && semver.major(one) >= least.major);
  if (least === null || isOpen || suffices === undefined) return undefined;
  return semver.lt(least, suffices) ? `^${suffices}` : undefined;
}

function checksPackages(project: Project, { language, build }: Inspection): boolean {
  const { tool, tsconfig } = build;
  if (language !== 'ts' || tool !== 'tsc' || !tsconfig || inheritsFromPackage(project, tsconfig))
    return false;
  return readTsconfig(project, tsconfig).compilerOptions['skipLibCheck'] !== true;
}
