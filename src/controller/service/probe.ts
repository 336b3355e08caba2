/**
 * What the cluster can do and what it lets us do, asked once at the start: said in one place, instead of showing as a
 * different failure in every Run.
 */
import { mapBounded } from "../../base/async.ts";
import { UserError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { resources, type Kube, type KubeResource } from "../../kube/kube.ts";

const QUESTIONS_AT_ONCE = 8;

export type Capabilities = {
  readonly serverVersion: string;
  readonly hasKueue: boolean;
  readonly hasJobSet: boolean;
  readonly canReadQuotas: boolean;
  /** What this controller needs and may not do, for the status of each Run; empty: nothing. */
  readonly missing: readonly string[];
};

/** Null: all namespaces. */
type Scope = { readonly kube: Kube; readonly namespace: string | null };

type Need = {
  readonly resource: KubeResource;
  readonly verbs: readonly string[];
  readonly subresource?: string;
};

/** Without these Runs or Schedules cannot be looked after; the Role of the chart gives them, and little else. */
const NEEDS: readonly Need[] = [
  {
    resource: resources.run,
    verbs: ["get", "list", "watch", "create", "delete"],
  },
  { resource: resources.run, verbs: ["patch"], subresource: "status" },
  { resource: resources.schedule, verbs: ["list", "watch"] },
  { resource: resources.schedule, verbs: ["patch"], subresource: "status" },
  {
    resource: resources.job,
    verbs: ["get", "list", "watch", "create", "patch", "delete"],
  },
  { resource: resources.pod, verbs: ["list", "watch", "delete"] },
  // Of a pod on a node that does not come back: that it has ended.
  { resource: resources.pod, verbs: ["patch"], subresource: "status" },
  { resource: resources.event, verbs: ["create"] },
];

/** Where replicas share Runs, in the namespace of their Leases. */
const NEEDS_TO_SHARE: readonly Need[] = [
  {
    resource: resources.lease,
    verbs: ["get", "list", "create", "update", "delete"],
  },
];

const MAY_READ_QUOTAS: Need = {
  resource: resources.resourceQuota,
  verbs: ["list"],
};

/** Throws `controller.no-crds` (UserError) where the cluster does not know what a Run is. */
export async function probe(
  options: Scope & {
    /** Null: there are no Leases. */
    readonly sharing: { readonly namespace: string } | null;
    readonly log: Logger;
  },
): Promise<Capabilities> {
  const { kube, sharing, log } = options;
  const version = (await kube.read("/version")) as {
    readonly gitVersion?: string;
  } | null;
  await checkCrds(kube);
  const hasKueue = (await kube.read("/apis/kueue.x-k8s.io")) !== null;
  const hasJobSet = (await kube.read("/apis/jobset.x-k8s.io")) !== null;
  const missing = [
    ...(await findMissing(options, NEEDS)),
    ...(sharing === null
      ? []
      : await findMissing({ kube, ...sharing }, NEEDS_TO_SHARE)),
  ];
  const noQuotas = await findMissing(options, [MAY_READ_QUOTAS]);
  const found: Capabilities = {
    serverVersion: version?.gitVersion ?? "unknown",
    hasKueue,
    hasJobSet,
    canReadQuotas: noQuotas.length === 0,
    missing,
  };
  log.info({ ...found }, "the cluster was looked at");
  if (missing.length > 0)
    log.error({ missing }, "the controller's role lacks rights");
  return found;
}

async function checkCrds(kube: Kube): Promise<void> {
  const { apiVersion } = resources.run;
  const list = (await kube.read(`/apis/${apiVersion}`)) as {
    readonly resources?: readonly { readonly name?: string }[];
  } | null;
  const names = new Set(list?.resources?.map(({ name }) => name));
  const absent = [resources.run, resources.schedule]
    .map(({ plural }) => plural)
    .filter((plural) => !names.has(plural));
  if (absent.length === 0) return;
  throw new UserError({
    code: "controller.no-crds",
    message: `the cluster at ${kube.server} does not know ${absent.join(" and ")} of ${apiVersion}`,
    hint: "install them: kubectl apply -f k8s/crds",
  });
}

/** `delete pods`: what may not be done, of what is needed. */
async function findMissing(
  scope: Scope,
  needs: readonly Need[],
): Promise<readonly string[]> {
  const rights = needs.flatMap(({ verbs, ...need }) =>
    verbs.map((verb) => ({ ...need, verb })),
  );
  const answers = await mapBounded(rights, QUESTIONS_AT_ONCE, async (right) =>
    (await isAllowed(scope, right)) ? [] : [describeRight(right)],
  );
  return answers.flat();
}

type Right = Omit<Need, "verbs"> & { readonly verb: string };

async function isAllowed(
  { kube, namespace }: Scope,
  { resource, verb, subresource }: Right,
): Promise<boolean> {
  const group = resource.apiVersion.includes("/")
    ? resource.apiVersion.split("/", 1)[0]
    : "";
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: {
      resourceAttributes: {
        verb,
        group,
        resource: resource.plural,
        ...(namespace !== null && { namespace }),
        ...(subresource !== undefined && { subresource }),
      },
    },
  };
  const answer = await kube.review<{
    readonly status?: { readonly allowed?: boolean };
  }>("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review);
  return answer.status?.allowed === true;
}

function describeRight({ verb, resource, subresource }: Right): string {
  return `${verb} ${[resource.plural, subresource].filter(Boolean).join("/")}`;
}
