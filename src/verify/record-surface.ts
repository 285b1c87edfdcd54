import type { Inspection, Manifest, Options, Project } from '../model.js';
import { ALPHA } from './baseline.js';
import { readSurface, type Surface } from './surface.js';
import { openWorkbench } from './workbench.js';

/**
 * What the stdio server shows before it is converted; kept in the manifest for the `stdio` check.
 * Undefined when it does not start, for instance because it has never been built.
 */
export async function recordSurface(given: {
  readonly project: Project;
  readonly options: Options;
  readonly inspection: Inspection;
  readonly env?: Readonly<Record<string, string | undefined>>;
}): Promise<Surface | undefined> {
  const bench = openWorkbench({ ...given, manifest: unconverted(given), env: given.env ?? process.env });
  try {
    const client = await bench.openStdio(ALPHA, bench.occasion());
    return await readSurface(client).finally(client.close);
  } catch {
    return undefined;
  } finally {
    await bench.dispose();
  }
}

/** The part of a manifest that running the stdio entry needs, before there is one. */
const unconverted = (given: { readonly options: Options }): Manifest => ({
  version: '',
  options: given.options,
  base: {},
  seam: {
    kind: 'server',
    module: '',
    exportName: '',
    sdk: 'v1',
    sessions: 'stateless',
    because: '',
    reusable: false,
    variables: [],
  },
});
