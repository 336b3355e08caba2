/**
 * Small schemas that the resources share: names, quantities and maps as the API server has them, each with a bound, since
 * the cost of validation rules (CEL) is reckoned from bounds. What JSON Schema says and OpenAPI of a CRD cannot, such as
 * rules for the keys of a map, is a rule in CEL beside the schema; `test/cluster` asks a server whether it holds.
 */
import { z } from "zod";

/** A rule in CEL, as a CRD has it; `self` is the value that it stands at. */
export type CelRule = {
  readonly rule: string;
  readonly message: string;
  /** The field that the mistake is shown at, below where the rule stands: `.pods`. */
  readonly fieldPath?: string;
  readonly reason?: "FieldValueForbidden" | "FieldValueInvalid";
};

/** Metadata that becomes `x-kubernetes-validations`; replaces the rules that the schema had. */
export function withRules<T extends z.ZodType>(
  schema: T,
  rules: readonly CelRule[],
): T {
  return schema.meta({
    ...schema.meta(),
    "x-kubernetes-validations": rules,
  }) as T;
}

/** How server-side apply merges a list (KEP-555). */
export function withListType<T extends z.ZodType>(
  schema: T,
  type: "atomic" | "set" | { readonly map: string },
): T {
  const keywords =
    typeof type === "string"
      ? { "x-kubernetes-list-type": type }
      : {
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": [type.map],
        };
  return schema.meta({ ...schema.meta(), ...keywords }) as T;
}

const LABEL = "[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?";
const SUBDOMAIN = "[a-z0-9]([-a-z0-9.]*[a-z0-9])?";
const LABEL_KEY = `^(${SUBDOMAIN}/)?${LABEL}$`;

/** The name of another object: a DNS subdomain (RFC 1123). */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(new RegExp(`^${SUBDOMAIN}$`));

export const labelKey = z
  .string()
  .min(1)
  .max(317)
  .regex(new RegExp(LABEL_KEY));

const labelValue = z
  .string()
  .max(63)
  .regex(new RegExp(`^(${LABEL})?$`));

/** `nvidia.com/gpu`: always with a domain. */
export const extendedResource = z
  .string()
  .max(317)
  .regex(new RegExp(`^${SUBDOMAIN}/${LABEL}$`));

/** `512Mi`, `48Gi`. */
export const quantity = z
  .string()
  .max(32)
  .regex(/^\d+(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$/);

export const count = z.int().min(0);

/** RFC 3339. */
export const moment = z.iso.datetime({ offset: true });

/** Labels of an object, or a selector of nodes. */
export const labelMap = withRules(
  bounded(z.record(z.string(), labelValue), 32),
  [
    {
      rule: `self.all(key, key.size() <= 317 && key.matches('${LABEL_KEY}'))`,
      message: "keys are names of labels, such as example.com/pool",
    },
  ],
);

/** A map of at most so many entries: JSON Schema's `maxProperties`, which zod has no word for. */
export function bounded<T extends z.ZodType>(schema: T, most: number): T {
  return schema.meta({ ...schema.meta(), maxProperties: most }) as T;
}
