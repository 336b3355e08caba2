/** The part of a Run's spec that says what its pods look like: an allow-list, never a whole pod template. */
import { z } from "zod";
import {
  bounded,
  extendedResource,
  labelKey,
  labelMap,
  objectName,
  quantity,
  withListType,
  withRules,
} from "./parts.ts";

const toleration = z
  .strictObject({
    key: labelKey
      .optional()
      .describe("The taint's key; absent with Exists: all taints."),
    operator: z
      .enum(["Exists", "Equal"])
      .optional()
      .describe("Equal, unless said otherwise."),
    value: z.string().max(63).optional().describe("The taint's value."),
    effect: z
      .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"])
      .optional()
      .describe("The taint's effect; absent: all effects."),
    tolerationSeconds: z
      .int()
      .min(0)
      .max(2_147_483_647)
      .optional()
      .describe("With NoExecute: how long the taint is tolerated."),
  })
  .describe("A taint of nodes that pods may run in spite of.");

/** Whoever may read a Run reads these values: the ones that are secrets go into a Secret (invariant I). */
const env = withRules(
  bounded(z.record(z.string(), z.string().max(4096)), 64),
  [
    {
      rule: "self.all(name, name.size() <= 128 && name.matches('^[A-Za-z_][A-Za-z0-9_]*$') && !name.startsWith('HUELINE_'))",
      message:
        "names are letters, digits and underscores, and do not begin with HUELINE_",
    },
    {
      rule: "!('AWS_SECRET_ACCESS_KEY' in self) && !('AWS_SESSION_TOKEN' in self)",
      message:
        "everybody who may read the Run reads its env: put credentials into a Secret and name it in credentialsSecret",
    },
  ],
);

export const podsSchema = z
  .strictObject({
    image: z
      .string()
      .min(1)
      .max(512)
      .regex(/^\S+$/)
      .optional()
      .describe("Image of the workers. Default: the controller's own."),
    imagePullSecrets: withListType(z.array(objectName).max(8), "set")
      .optional()
      .describe("Names of Secrets with credentials of the image's registry."),
    serviceAccountName: objectName
      .optional()
      .describe(
        "Service account of the pods, for web identity. Its token is never mounted. Default: that of the installation.",
      ),
    credentialsSecret: objectName
      .optional()
      .describe(
        "Name of a Secret whose keys become environment variables: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.",
      ),
    env: env
      .optional()
      .describe(
        "Plain environment variables, such as AWS_REGION or AWS_ENDPOINT_URL_S3. Whoever may read the Run reads them.",
      ),
    gpuResource: extendedResource
      .optional()
      .describe(
        "The extended resource that `resources.gpu` counts. Default: nvidia.com/gpu.",
      ),
    nodeSelector: labelMap
      .optional()
      .describe("Labels that a node must have."),
    tolerations: withListType(z.array(toleration).max(32), "atomic")
      .optional()
      .describe("Taints of nodes that pods may run in spite of."),
    spreadOver: labelKey
      .optional()
      .describe(
        "Tasks of a Job are spread over the values of this label of nodes: topology.kubernetes.io/zone.",
      ),
    scratch: quantity
      .optional()
      .describe("Size of the scratch volume at /tmp, such as 8Gi, the default."),
    lostAfterSeconds: z
      .int()
      .min(30)
      .max(86_400)
      .optional()
      .describe(
        "A pod on a node that does not answer is given up after this time. Default: 300.",
      ),
  })
  .describe("What pods look like, beside what `resources` of the pipeline say.");
