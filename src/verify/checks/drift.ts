import { isError } from '../../diagnostics.js';
import type { Plan } from '../../model.js';
import type { Site } from '../site.js';
import { pass, skip, type Verdict, verdict } from '../verification.js';

/**
 * Does the project still stand as converted? Planning it again plans nothing, every generated file is there, and
 * the module that the service takes its servers from still exports the factory.
 * @param plan what converting the project again would do; without it only the files are looked at.
 */
export function checkDrift({ project, manifest }: Site, plan?: Plan): Verdict {
  const files = Object.keys(manifest.base);
  const missing = files.filter((file) => !project.files.has(file) && !project.outputs?.has(file));
  const edited = files.filter((file) => {
    const text = project.files.get(file);
    return text !== undefined && text !== manifest.base[file];
  });
  const blocked =
    plan?.diagnostics.filter(isError).map((each) => `planning again reports ${each.code}`) ?? [];
  const changes = plan?.changes.map(({ path, why }) => `planning again would change ${path}: ${why}`) ?? [];
  const found = [
    ...missing.map((file) => `${file}: missing`),
    ...factoryDrift(project.files.get(manifest.seam.module), manifest.seam),
    ...(changes.length > 0 ? changes : blocked),
  ];
  if (files.length === 0 && plan === undefined) return skip('the manifest names no generated files');
  const edits = edited.length > 0 ? `, ${edited.length} edited by hand (${edited.join(', ')})` : '';
  return found.length > 0 ? verdict(found, '') : pass(`${files.length} generated files in place${edits}`);
}

function factoryDrift(text: string | undefined, { module, exportName }: Site['manifest']['seam']): string[] {
  if (text === undefined) return [`${module}: missing, but the service takes its servers from it`];
  return text.includes(exportName) ? [] : [`${module}: does not export ${exportName} any more`];
}
