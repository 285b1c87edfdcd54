/** The tools, resources and prompts of the measured servers, as source text that is TypeScript and JavaScript alike. */

/** SDK v1 takes the fields of an object schema, v2 the schema itself. */
export type Dialect = 'v1' | 'v2';

/** How much a server offers. */
export interface Size {
  readonly tools: number;
  readonly resources: number;
  readonly prompts: number;
}

/** The sizes of the scaling curve. 60 tools is what a large real server has, and has resources and prompts, too. */
export const sizes = {
  3: { tools: 3, resources: 0, prompts: 0 },
  10: { tools: 10, resources: 0, prompts: 0 },
  60: { tools: 60, resources: 10, prompts: 5 },
  200: { tools: 200, resources: 10, prompts: 5 },
} as const satisfies Record<number, Size>;

interface Registration {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Fields of the arguments: name and zod expression. */
  readonly fields: Readonly<Record<string, string>>;
  readonly parameters: string;
  /** An expression for the text that is answered. */
  readonly text: string;
}

/** What every size has; `convert_length` is the tool that is called. */
const basic: readonly Registration[] = [
  {
    name: 'convert_length',
    title: 'Convert a length',
    description: 'Converts a length from one unit to another.',
    fields: {
      value: "z.number().describe('The length.')",
      from: "z.enum(['mm', 'cm', 'm', 'km']).describe('The unit it is in.')",
      to: "z.enum(['mm', 'cm', 'm', 'km']).describe('The unit it should be in.')",
    },
    parameters: '{ value, from, to }',
    text: '`$' + '{value} $' + '{from} = $' + '{(value * metres[from]) / metres[to]} $' + '{to}`',
  },
  {
    name: 'sum_numbers',
    title: 'Add numbers',
    description: 'Adds up a list of numbers.',
    fields: { numbers: 'z.array(z.number()).min(1).max(1000)' },
    parameters: '{ numbers }',
    text: 'String(numbers.reduce((sum, number) => sum + number, 0))',
  },
  {
    name: 'count_words',
    title: 'Count words',
    description: 'Counts the words of a text.',
    fields: { text: 'z.string().max(100_000)', unique: 'z.boolean().optional()' },
    parameters: '{ text, unique }',
    text: "String(unique ? new Set(text.split(' ')).size : text.split(' ').length)",
  },
];

const subjects = [
  ...['customer', 'order', 'invoice', 'shipment', 'product', 'supplier', 'contract', 'ticket', 'project'],
  ...['employee', 'device', 'document', 'payment', 'refund', 'warehouse', 'vehicle', 'campaign', 'lead'],
  ...['meeting', 'expense', 'budget', 'asset', 'incident', 'release', 'experiment', 'survey', 'policy'],
  ...[
    'vendor',
    'location',
    'team',
    'report',
    'forecast',
    'licence',
    'certificate',
    'subscription',
    'channel',
  ],
  ...['dataset', 'pipeline', 'schedule', 'template'],
];

const address =
  "z.object({ street: z.string().max(200), city: z.string(), postcode: z.string().regex(/^[0-9A-Z -]{3,10}$/), country: z.string().length(2).describe('ISO 3166 code.') })";
const period =
  "z.object({ from: z.string().describe('ISO 8601 date.'), to: z.string().optional(), timezone: z.string().default('UTC') })";
const money =
  "z.object({ amount: z.number().nonnegative(), currency: z.enum(['EUR', 'USD', 'GBP', 'CHF']) })";

/** What can be done with a thing; the schemas nest as those of real business servers do. */
const verbs: readonly ((thing: string) => Omit<Registration, 'parameters' | 'text'>)[] = [
  (thing) => ({
    name: `search_${thing}s`,
    title: `Search ${thing}s`,
    description: `Finds ${thing}s by text, conditions and time. Answers a page of matches with their relevance.`,
    fields: {
      query: "z.string().min(1).max(500).describe('Words that have to occur.')",
      conditions:
        "z.array(z.object({ field: z.string(), operator: z.enum(['eq', 'ne', 'lt', 'gt', 'in', 'contains']), value: z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]) })).max(20).optional()",
      period: `${period}.optional()`,
      sort: "z.array(z.object({ field: z.string(), direction: z.enum(['asc', 'desc']).default('asc') })).optional()",
      page: 'z.object({ size: z.number().int().min(1).max(100).default(20), cursor: z.string().optional() }).optional()',
    },
  }),
  (thing) => ({
    name: `get_${thing}`,
    title: `Get a ${thing}`,
    description: `Reads one ${thing} with the parts that are asked for.`,
    fields: {
      id: `z.string().describe('Identifier of the ${thing}.')`,
      include: "z.array(z.enum(['history', 'comments', 'attachments', 'owner', 'related'])).optional()",
      version: 'z.number().int().positive().optional()',
    },
  }),
  (thing) => ({
    name: `create_${thing}`,
    title: `Create a ${thing}`,
    description: `Creates a ${thing}; the answer has its identifier.`,
    fields: {
      name: "z.string().min(1).max(200).describe('A name for people.')",
      owner: "z.object({ id: z.string(), role: z.enum(['viewer', 'editor', 'admin']).default('editor') })",
      addresses: `z.array(z.object({ kind: z.enum(['billing', 'delivery']), address: ${address} })).max(5).optional()`,
      price: `${money}.optional()`,
      lines: `z.array(z.object({ sku: z.string(), quantity: z.number().int().positive(), price: ${money}, tags: z.array(z.string()).optional() })).max(200).optional()`,
      labels: 'z.record(z.string(), z.string()).optional()',
    },
  }),
  (thing) => ({
    name: `update_${thing}`,
    title: `Change a ${thing}`,
    description: `Changes fields of a ${thing}, provided that nobody else has changed it since.`,
    fields: {
      id: 'z.string()',
      expectedVersion: "z.number().int().nonnegative().describe('Version that the change is based on.')",
      changes: `z.object({ name: z.string().max(200).optional(), status: z.enum(['draft', 'active', 'paused', 'closed']).optional(), due: ${period}.nullable().optional(), address: ${address}.partial().optional() })`,
      notify: "z.array(z.object({ channel: z.enum(['mail', 'chat', 'sms']), to: z.string() })).optional()",
    },
  }),
  (thing) => ({
    name: `summarise_${thing}s`,
    title: `Summarise ${thing}s`,
    description: `Counts and adds up ${thing}s by groups over a period.`,
    fields: {
      groupBy: "z.array(z.enum(['owner', 'status', 'country', 'month', 'week'])).min(1).max(3)",
      measures:
        "z.array(z.object({ field: z.string(), aggregate: z.enum(['count', 'sum', 'mean', 'min', 'max', 'p95']) })).min(1)",
      period,
      format: "z.enum(['table', 'json', 'csv']).default('table')",
    },
  }),
];

function toolsFor(count: number): readonly Registration[] {
  const business = subjects.flatMap((thing) =>
    verbs.map((verb) => ({ ...verb(thing), parameters: 'given', text: 'JSON.stringify(given)' })),
  );
  return [...basic, ...business].slice(0, count);
}

/** The names of the tools of a server with `count` of them, in the order in which they are registered. */
export const toolNames = (count: number): readonly string[] => toolsFor(count).map((tool) => tool.name);

function toolSource(tool: Registration, dialect: Dialect): string {
  const fields = Object.entries(tool.fields).map(([name, schema]) => `      ${name}: ${schema},`);
  const [open, close] = dialect === 'v1' ? ['{', '}'] : ['z.object({', '})'];
  return `server.registerTool(
  '${tool.name}',
  {
    title: '${tool.title}',
    description: '${tool.description}',
    inputSchema: ${open}
${fields.join('\n')}
    ${close},
    annotations: { readOnlyHint: ${!/^(?:create|update)_/.test(tool.name)} },
  },
  async (${tool.parameters}) => ({ content: [{ type: 'text', text: ${tool.text} }] }),
);`;
}

const resourceSource = (thing: string): string => `server.registerResource(
  '${thing}s',
  'bench://${thing}s',
  { title: 'All ${thing}s', description: 'What is known of ${thing}s.', mimeType: 'text/plain' },
  async (uri) => ({ contents: [{ uri: uri.href, text: 'There are no ${thing}s.' }] }),
);`;

function promptSource(thing: string, dialect: Dialect): string {
  const [open, close] = dialect === 'v1' ? ['{', '}'] : ['z.object({', '})'];
  return `server.registerPrompt(
  'review_${thing}',
  {
    title: 'Review a ${thing}',
    description: 'Asks for a review.',
    argsSchema: ${open} id: z.string(), tone: z.string().optional() ${close},
  },
  async ({ id, tone }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: \`Review ${thing} \${id}, \${tone ?? 'kindly'}.\` } }],
  }),
);`;
}

/** What the registrations refer to. */
export const constants = 'const metres = { mm: 0.001, cm: 0.01, m: 1, km: 1000 };';

/** Every registration of a server of this size, for a variable named `server` and zod as `z`; one string each. */
export function registrations({ tools, resources, prompts }: Size, dialect: Dialect): readonly string[] {
  return [
    ...toolsFor(tools).map((tool) => toolSource(tool, dialect)),
    ...subjects.slice(0, resources).map(resourceSource),
    ...subjects.slice(0, prompts).map((thing) => promptSource(thing, dialect)),
  ];
}
