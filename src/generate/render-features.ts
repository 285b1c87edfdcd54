import path from 'node:path/posix';
import type { Inspection, Options, Seam } from '../model.js';
import type { Feature } from './features.js';
import type { ModulePaths } from './module-paths.js';

/** The file, below the output folder, that a feature's module becomes. */
export const featureFile = (feature: Feature): string => feature.as ?? path.basename(feature.template);

/** Which module answers behind `/mcp`. */
export const endpointTemplate = (seam: Seam): string =>
  seam.sdk === 'v2' ? 'sdk-v2/endpoint' : seam.sessions;

/** The generated module that says what the service is made of. */
export function renderFeatures(
  inspection: Inspection,
  options: Options,
  seam: Seam,
  chosen: readonly Feature[],
  paths: ModulePaths,
): string {
  const typescript = inspection.language === 'ts';
  const commonJs = !typescript && inspection.moduleFormat === 'cjs';
  const specifier = (name: string) =>
    paths.specifier(options.out, `${options.out}/${name}${paths.extension}`);
  const endpoint = specifier(path.basename(endpointTemplate(seam)));
  const imports = chosen.flatMap((feature) => {
    const names = [feature.create, feature.resolve, feature.settings].filter((name) => name !== undefined);
    return names.length === 0 ? [] : importing(names, specifier(featureFile(feature)), commonJs);
  });
  const names = (part: 'create' | 'resolve') => chosen.flatMap((feature) => feature[part] ?? []).join(', ');
  const settings = chosen.flatMap((feature) => feature.settings ?? []).map((name) => `...${name}`);
  const type = (text: string) => (typescript ? `: ${text}` : '');
  const sections = [
    [
      ...(typescript
        ? [`import type { EnvironmentResolver, FeatureFactory } from '${specifier('feature')}';`]
        : []),
      ...imports,
      ...(commonJs ? [importing(['createEndpoint'], endpoint, true)] : []),
    ].join('\n'),
    ...(commonJs
      ? []
      : [
          `/** One server per ${seam.sessions === 'stateful' ? 'session' : 'request'}. */\nexport { createEndpoint } from '${endpoint}';`,
        ]),
    `/** What the features read from the environment. */\nexport const settings = {${settings.length > 0 ? ` ${settings.join(', ')} ` : ''}};`,
    `/** In the order in which a request meets them; closed in the reverse order. */\nexport const featureFactories${type('readonly FeatureFactory[]')} = [${names('create')}];`,
    `/** Asked for values of the environment before it is validated. */\nexport const environmentResolvers${type('readonly EnvironmentResolver[]')} = [${names('resolve')}];`,
  ];
  const text = `${sections.filter((section) => section !== '').join('\n\n')}\n`;
  if (!commonJs) return text;
  return `${text.replace(/^export /gm, '')}\nmodule.exports = { createEndpoint, settings, featureFactories, environmentResolvers };\n`;
}

const importing = (names: readonly string[], specifier: string, commonJs: boolean): string => {
  const list = [...names].sort().join(', ');
  return commonJs
    ? `const { ${list} } = require('${specifier}');`
    : `import { ${list} } from '${specifier}';`;
};
