/** What is known of packages whose objects live at module level: data, not behaviour. */

/** Clients, pools, loggers and parsers that every client of one process may share. */
const SHAREABLE = [
  /^(?:pg|mysql2?|mariadb|mongodb|mongoose|redis|ioredis|@redis\/|@prisma\/|knex|drizzle-orm|typeorm|sequelize|kysely|postgres|mssql|oracledb|cassandra-driver|neo4j-driver|@elastic\/|@opensearch-project\/|@qdrant\/|@pinecone-database\/|weaviate|@supabase\/|firebase|@upstash\/)/,
  /^(?:axios|got|ky|undici|ofetch|node-fetch|cross-fetch|superagent|https?-proxy-agent|node:https?$|https?$)/,
  /^(?:openai|@anthropic-ai\/|@google\/|@google-cloud\/|googleapis|google-auth-library|@aws-sdk\/|@azure\/|@octokit\/|octokit|@slack\/|@notionhq\/|@linear\/|stripe|@sentry\/|twilio|@sendgrid\/|resend|@gitbeaker\/|jira|@atlassian|cohere|groq|replicate|@mistralai|ollama|algoliasearch|contentful|@hubspot|@mailchimp|shopify|telegraf|discord\.js|@modelcontextprotocol\/)/,
  /^(?:pino|winston|bunyan|log4js|loglevel|consola|debug|chalk|ora|@opentelemetry\/|posthog-node|mixpanel)/,
  /^(?:zod|ajv|joi|yup|turndown|marked|markdown-it|cheerio|remark|unified|fuse\.js|handlebars|mustache|ejs|commander|yargs|dotenv|p-limit|p-queue|bottleneck|xml2js|fast-xml-parser|rss-parser|csv|natural|dayjs|luxon|jsonwebtoken|jose|uuid|nanoid)/,
];

/** Packages that read the command line, and call what they are given when the program starts. */
export const READS_COMMAND_LINE = /^(?:commander|yargs|cleye|cac|citty|sade|clipanion|gluegun)(?:\/|$)/;

/** Standard constructors whose instances carry nothing from one call to the next. */
export const IMMUTABLE_GLOBALS = new Set([
  'TextEncoder',
  'TextDecoder',
  'Error',
  'Promise',
  'Intl',
  'Function',
  'Proxy',
  'WeakRef',
]);

export const isShareablePackage = (module: string): boolean =>
  SHAREABLE.some((pattern) => pattern.test(module));

/** The module of `AsyncLocalStorage`. */
export const isContextModule = (module: string): boolean => /^(?:node:)?async_hooks$/.test(module);

/** Is a property of this module a text or a number, such as `path.sep` or `process.env.HOME`? */
export const isText = (module: string, property: string): boolean =>
  (/^(?:node:)?(?:path|os)$/.test(module) && /^(?:sep|delimiter|EOL|devNull)$/.test(property)) ||
  (/^(?:node:)?process$/.test(module) &&
    /^(?:[A-Z][A-Z\d_]*|\*.*|pid|ppid|platform|arch|version|execPath|argv0|title)$/.test(property));

/** Direct methods of an unknown object that change it. */
const CHANGES_OBJECT =
  /^(?:set|add|push|clear|reset|insert|move|undo|redo|load|emit|put|delete|remove|register|enqueue|append|merge|assign|use|on|once|run|exec|import|goto|newPage)(?:[A-Z]\w*)?$/;

/** Methods of an unknown object that turn it to what they are given: a host, a folder, a file, a mailbox. */
const TURNS_OBJECT = /^(?:connect|open|cwd|select|switch|readFile|mailboxOpen)(?:[A-Z]\w*)?$/;

/** Methods of a client that say in whose name it speaks from now on. */
const CHANGES_IDENTITY =
  /^(?:set(?:Access|Auth|Api|Bearer|Credential|Token|Session|User|Tenant|Header|Cookie)\w*|log(?:in|out)|sign(?:In|Out|Up)\w*|authenticate|authorize)$/i;

const changesIdentity = (module: string, method: string): boolean =>
  !module.startsWith('@modelcontextprotocol/') && CHANGES_IDENTITY.test(method);

/** Methods of a database's connection after which the next statement means something else. */
const CHANGES_CONNECTION: readonly (readonly [module: RegExp, method: RegExp])[] = [
  [/^(?:redis|ioredis|@redis\/)/, /^select$/],
  [/^(?:mysql2?|mariadb)/, /^(?:changeUser|beginTransaction)$/],
];

/**
 * Does a method change the object of a package that it is called on, for those who use it later?
 *
 * @param given how many arguments it has
 */
export function changesPackagesObject(module: string, method: string, given: number): boolean {
  return isShareablePackage(module)
    ? changesIdentity(module, method) ||
        CHANGES_CONNECTION.some(([modules, methods]) => modules.test(module) && methods.test(method))
    : CHANGES_OBJECT.test(method) ||
        CHANGES_COLLECTION.has(method) ||
        (given > 0 && (changesIdentity(module, method) || TURNS_OBJECT.test(method)));
}

/** Functions of packages that keep one connection or configuration for all who use them. */
const CHANGES_DEFAULT: readonly (readonly [module: RegExp, name: RegExp])[] = [
  [/^mongoose$/, /^connect$/],
  [/^firebase(?:-admin)?(?:\/|$)/, /^initializeApp$/],
  [/^aws-sdk(?:\/|$)/, /^(?:update|loadFromPath)$/],
];

/** What a package is told for all who use it: `mail.setApiKey(key)`, `setDefaultOptions(options)`. */
export const changesPackage = (module: string, name: string): boolean =>
  changesIdentity(module, name) ||
  CHANGES_DEFAULT.some(([modules, names]) => modules.test(module) && names.test(name)) ||
  /^(?:set(?:Default|Global|Servers|Locale|Language|Options)\w*|changeLanguage|locale|options)$/.test(name);

/** Methods of arrays, maps and sets that change them in place. */
export const CHANGES_COLLECTION = new Set([
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'sort',
  'reverse',
  'fill',
  'copyWithin',
  'set',
  'add',
  'delete',
  'clear',
  'append',
]);

/** Methods of collections that call their first argument with elements. */
export const CALLS_BACK = new Set([
  'forEach',
  'map',
  'filter',
  'reduce',
  'reduceRight',
  'some',
  'every',
  'find',
  'findIndex',
  'findLast',
  'findLastIndex',
  'flatMap',
  'sort',
  'toSorted',
]);
