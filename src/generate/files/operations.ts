/** The files beside the code: for building, deploying, watching and proving the service. */
import type { Options, Project, Seam } from '../../model.js';
import { renderTemplate } from '../render.js';
import { type DeploymentInput, deploymentContext, operatedVariables } from './deployment.js';
import { dockerContext } from './dockerfile.js';
import { workflowContext } from './verify-workflow.js';

interface OperationsInput extends DeploymentInput {
  /** The command that starts the HTTP service, as an argument list. */
  readonly start: readonly string[];
}

interface OperationsFile {
  /** Template below `templates/files`, without `.hbs`. */
  readonly template: string;
  /** The file in the project, when it is not called like the template. */
  readonly path?: (options: Options, project: Project) => string;
  readonly when: (options: Options, seam: Seam, project: Project) => boolean;
  readonly context: (input: OperationsInput) => object;
  readonly why: string;
}

const scalable = (options: Options, seam: Seam): boolean =>
  seam.sessions === 'stateless' || options.rateLimit === 'redis';

const stored = ({ secrets }: Options): boolean => secrets === 'aws' || secrets === 'vault';

/** An object for Kubernetes: one file of `deploy/kubernetes`. */
const object = (
  name: string,
  why: string,
  when: (options: Options, seam: Seam) => boolean = () => true,
): OperationsFile => ({
  template: `deploy/kubernetes/${name}.yaml`,
  when: (options, seam) => options.kubernetes && when(options, seam),
  context: deploymentContext,
  why,
});

const hasSecretFiles = (options: Options, seam: Seam): boolean =>
  stored(options) ||
  options.database === 'postgres' ||
  options.auth === 'api-key' ||
  operatedVariables(seam).some((variable) => variable.secret);

const hasSecrets = (options: Options, seam: Seam): boolean =>
  !stored(options) && (hasSecretFiles(options, seam) || options.rateLimit === 'redis');

const balanced = (options: Options): boolean => options.compose || options.kubernetes;

const files: readonly OperationsFile[] = [
  {
    template: 'Dockerfile',
    when: (options) => options.docker || options.compose || options.kubernetes,
    context: dockerContext,
    why: 'the container image',
  },
  {
    template: 'dockerignore',
    // A member of a workspace is built from the workspace's root, which may have a .dockerignore of its own.
    path: (_options, project) =>
      project.workspaceRoot === undefined ? '.dockerignore' : 'Dockerfile.dockerignore',
    when: (options) => options.docker || options.compose || options.kubernetes,
    context: dockerContext,
    why: 'what stays out of the image',
  },
  {
    template: 'verify-workflow.yml',
    path: () => '.github/workflows/mcp-service.yml',
    // Workflows are read from the root of the repository only, which a workspace member is not.
    when: (options, _seam, project) => options.ci === 'github' && project.workspaceRoot === undefined,
    context: workflowContext,
    why: 'proves every change in CI',
  },
  {
    template: 'compose.yaml',
    when: (options) => options.compose,
    context: deploymentContext,
    why: 'balancer, replicas and what they need, on one machine',
  },
  {
    template: 'secrets/gitignore',
    path: () => 'secrets/.gitignore',
    when: (options, seam) => options.compose && hasSecretFiles(options, seam),
    context: deploymentContext,
    why: 'keeps secret files out of git',
  },
  {
    template: 'deploy/haproxy/haproxy.cfg',
    when: balanced,
    context: deploymentContext,
    why: 'load balancer: HAProxy',
  },
  {
    template: 'deploy/nginx/nginx.conf',
    when: balanced,
    context: deploymentContext,
    why: 'load balancer: nginx',
  },
  {
    template: 'deploy/prometheus/alerts.yaml',
    when: (options) => options.metrics,
    context: deploymentContext,
    why: 'alerts',
  },
  {
    template: 'deploy/prometheus/alerts.test.yaml',
    when: (options) => options.metrics,
    context: deploymentContext,
    why: 'tests of the alerts',
  },
  object('kustomization', 'what is deployed'),
  object('config', 'settings'),
  object('secret', 'secrets, to be filled in', hasSecrets),
  object('external-secret', 'secrets from a store', hasSecrets),
  object('service-account', 'who the pods are, for the store of the secrets', stored),
  object('deployment', 'the pods'),
  object('service', 'their common address'),
  object('ingress', 'the way in from outside'),
  object('network-policy', 'who may talk to whom'),
  object('autoscaler', 'how many pods', scalable),
  object('disruption-budget', 'how many pods may be missing', scalable),
  object('monitoring', 'what Prometheus reads, and alerts', (options) => options.metrics),
  {
    template: 'operators.md',
    path: (options) => `${options.out}/README.md`,
    when: () => true,
    context: deploymentContext,
    why: 'how to run, configure, watch and scale the service',
  },
];

/** Renders the files that these options ask for, in the order of the table. */
export function operationsFiles(
  input: OperationsInput,
): readonly { readonly path: string; readonly text: string; readonly why: string }[] {
  const { options, seam, project } = input;
  return files
    .filter((file) => file.when(options, seam, project))
    .map((file) => ({
      path: file.path?.(options, project) ?? file.template,
      text: renderTemplate(file.template, file.context(input)),
      why: file.why,
    }));
}
