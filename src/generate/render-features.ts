import path from 'node:path/posix';
import type { Inspection, Options, Seam, SessionMode } from '../model.js';
import type { Feature } from './features.js';
import type { ModulePaths } from './module-paths.js';

/** The file, below the output folder, that a feature's module becomes. */
export const featureFile = (feature: Feature): string => feature.as ?? path.basename(feature.template);

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
  const imported = (names: readonly (string | undefined)[], module: string) =>
    importing(
      names.filter((name) => name !== undefined),
      specifier(module),
      commonJs,
    );
  const modern = servesModernEra(seam);
  const [create, about] = endpoints[seam.sessions];
  const all = (part: 'create' | 'resolve') => chosen.flatMap((feature) => feature[part] ?? []).join(', ');
  const settings = chosen.flatMap((feature) => feature.settings ?? []).map((name) => `...${name}`);
  const load = chosen.find((feature) => feature.load)?.load;
  const imports = [
    ...(typescript
      ? [
          `import type { EnvironmentResolver, FeatureFactory } from '${specifier('feature')}';`,
          `import type { ServerLoader } from '${specifier('mcp')}';`,
        ]
      : []),
    ...chosen.flatMap((feature) =>
      imported([feature.create, feature.resolve, feature.settings, feature.load], featureFile(feature)),
    ),
    ...(modern ? imported(['withModernEra'], 'modern-era') : []),
    ...(load ? [] : imported(['loadServerFactory'], 'server-factory')),
    ...imported([create], seam.sessions),
  ];
  const exports: readonly Export[] = [
    { name: 'createEndpoint', about, value: modern ? `withModernEra(${create})` : create },
    {
      name: 'loadServers',
      about: load ? "Starts the project's code in a worker for each session." : "Loads the project's code.",
      type: 'ServerLoader',
      value: load ?? 'async () => ({ createServer: await loadServerFactory() })',
    },
    {
      name: 'settings',
      about: 'What the features read from the environment.',
      value: `{${settings.length > 0 ? ` ${settings.join(', ')} ` : ''}}`,
    },
    {
      name: 'featureFactories',
      about: 'In the order in which a request meets them; closed in the reverse order.',
      type: 'readonly FeatureFactory[]',
      value: `[${all('create')}]`,
    },
    {
      name: 'environmentResolvers',
      about: 'Asked for values of the environment before it is validated.',
      type: 'readonly EnvironmentResolver[]',
      value: `[${all('resolve')}]`,
    },
  ];
  const declared = exports.map(({ name, about, type, value }) => {
    const annotation = typescript && type ? `: ${type}` : '';
    return `/** ${about} */\n${commonJs ? '' : 'export '}const ${name}${annotation} = ${value};`;
  });
  const names = exports.map(({ name }) => name).join(', ');
  const closing = commonJs ? [`module.exports = { ${names} };`] : [];
  return `${[imports.join('\n'), ...declared, ...closing].join('\n\n')}\n`;
}

/** Is protocol revision 2026-07-28 served beside those before it? */
export const servesModernEra = (seam: Seam): boolean => seam.sdk === 'v2' && seam.modernEra !== false;

interface Export {
  readonly name: string;
  readonly about: string;
  readonly type?: string;
  readonly value: string;
}

const endpoints: Readonly<Record<SessionMode, readonly [create: string, about: string]>> = {
  stateless: ['createStatelessEndpoint', 'A server for each request answers behind /mcp.'],
  stateful: ['createStatefulEndpoint', 'A server for each session answers behind /mcp.'],
};

const importing = (names: readonly string[], specifier: string, commonJs: boolean): string[] => {
  const list = [...names].sort().join(', ');
  if (list === '') return [];
  return [
    commonJs ? `const { ${list} } = require('${specifier}');` : `import { ${list} } from '${specifier}';`,
  ];
};
