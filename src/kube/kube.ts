/**
 * The port to a Kubernetes API server: objects as the JSON that the server speaks, nothing dropped and nothing decoded,
 * so that a field newer than this program survives. Who implements it owns connections, retries, pacing and paging.
 *
 * Errors: `KubeRefusal` for an answer that is no success, `TransientError` (base) where asking again may help and this
 * program's own retries are used up. A missing object is null, not an error.
 */

/** What every object has. Lists of the API server are read with `managedFields` removed. */
export type KubeObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
};

export type ObjectMeta = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
};

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
};

/** A kind of object and where the server keeps it: `/apis/batch/v1/…/jobs`. */
export type KubeResource = {
  readonly apiVersion: string;
  readonly kind: string;
  /** Lower case, as in the path: `jobs`. */
  readonly plural: string;
  readonly isNamespaced: boolean;
};

export const resources = {
  job: {
    apiVersion: "batch/v1",
    kind: "Job",
    plural: "jobs",
    isNamespaced: true,
  },
  pod: { apiVersion: "v1", kind: "Pod", plural: "pods", isNamespaced: true },
  node: {
    apiVersion: "v1",
    kind: "Node",
    plural: "nodes",
    isNamespaced: false,
  },
  event: {
    apiVersion: "v1",
    kind: "Event",
    plural: "events",
    isNamespaced: true,
  },
  lease: {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    plural: "leases",
    isNamespaced: true,
  },
  resourceQuota: {
    apiVersion: "v1",
    kind: "ResourceQuota",
    plural: "resourcequotas",
    isNamespaced: true,
  },
  workload: {
    apiVersion: "kueue.x-k8s.io/v1beta1",
    kind: "Workload",
    plural: "workloads",
    isNamespaced: true,
  },
  run: {
    apiVersion: "hueline.dev/v1alpha1",
    kind: "Run",
    plural: "runs",
    isNamespaced: true,
  },
  schedule: {
    apiVersion: "hueline.dev/v1alpha1",
    kind: "Schedule",
    plural: "schedules",
    isNamespaced: true,
  },
} as const satisfies Record<string, KubeResource>;

export type ListOptions = {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Which fields of `spec` are read: the others are left out, and of events not even parsed. Absent: all. */
  readonly specFields?: (field: string) => boolean;
};

export type Listed<T extends KubeObject> = {
  readonly items: readonly T[];
  /** Of the moment that the list shows. */
  readonly resourceVersion: string;
};

export type WatchEvent<T extends KubeObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  /** Nothing happened up to this version. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

export type ObjectName = {
  readonly namespace?: string;
  readonly name: string;
};

export type ApplyOptions = {
  /** Who owns the fields that are sent (KEP-555). */
  readonly fieldManager: string;
  /** Take over fields that others own. Default true, as controllers do. */
  readonly force?: boolean;
  readonly subresource?: "status";
  readonly signal?: AbortSignal;
};

export type DeleteOptions = {
  /** Default `Background`. */
  readonly propagation?: "Background" | "Foreground" | "Orphan";
  /** 0: without waiting for anybody. Default: the object's own. */
  readonly graceSeconds?: number;
  /** Only the object with this uid: never one of the same name that came after it. */
  readonly uid?: string;
};

export type LogOptions = {
  readonly container?: string;
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  /** RFC 3339. */
  readonly sinceTime?: string;
  readonly tailLines?: number;
  readonly previous?: boolean;
  readonly signal?: AbortSignal;
};

export type Kube = {
  /** Of the context or the pod: where objects go that name none. */
  readonly namespace: string;
  /** The server's address, for people. */
  readonly server: string;
  get<T extends KubeObject>(
    resource: KubeResource,
    name: ObjectName,
  ): Promise<T | null>;
  /** All pages. `resourceVersion` is where a watch goes on. */
  list<T extends KubeObject>(
    resource: KubeResource,
    options: ListOptions,
  ): Promise<Listed<T>>;
  /**
   * Throws `KubeRefusal` with reason `AlreadyExists`. With `dryRun` the server does all but keep it: defaults, admission,
   * validation.
   */
  create<T extends KubeObject>(
    resource: KubeResource,
    object: T,
    options?: { readonly dryRun?: boolean },
  ): Promise<T>;
  /** Server-side apply: creates the object or changes the fields that are sent. */
  apply<T extends KubeObject>(
    resource: KubeResource,
    object: KubeObject,
    options: ApplyOptions,
  ): Promise<T>;
  /** JSON merge patch (RFC 7386). */
  patch<T extends KubeObject>(
    resource: KubeResource,
    name: ObjectName,
    change: object,
    options?: {
      readonly subresource?: "status";
      readonly fieldManager?: string;
    },
  ): Promise<T>;
  /** Replaces the object if its `metadata.resourceVersion` is the newest; else `KubeRefusal` with reason `Conflict`. */
  replace<T extends KubeObject>(resource: KubeResource, object: T): Promise<T>;
  /** False: there was none. */
  remove(
    resource: KubeResource,
    name: ObjectName,
    options?: DeleteOptions,
  ): Promise<boolean>;
  /**
   * One connection's events after `resourceVersion`; the first is a bookmark of that version, when the connection stands.
   * Ends when the server ends it or `signal` aborts, throws `KubeRefusal` 410 when that version is gone.
   */
  watch<T extends KubeObject>(
    resource: KubeResource,
    options: ListOptions & {
      readonly resourceVersion: string;
      readonly signal: AbortSignal;
    },
  ): AsyncIterable<WatchEvent<T>>;
  /** Lines of a container, without their line ends, as they come. Silence of any length is no error. */
  readLog(pod: ObjectName, options: LogOptions): AsyncIterable<string>;
  /** Any path of the server: `/version`, `/apis/kueue.x-k8s.io`; null where there is nothing. */
  read(path: string): Promise<unknown>;
  /** SelfSubjectAccessReview and the like: posts an object and returns the answer. */
  review<T>(path: string, object: object): Promise<T>;
  close(): Promise<void>;
};
