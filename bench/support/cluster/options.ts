/** Options of `bench/cluster.ts`, which hands them on to what runs inside the cluster. */
export const clusterOptions = {
  arms: { type: "string", default: "hueline,job,argo-default,argo-raised" },
  tasks: { type: "string", default: "1000" },
  rounds: { type: "string", default: "9" },
  length: { type: "string", default: "200" },
  runs: { type: "string", default: "200" },
  large: { type: "string", default: "10000" },
  minutes: { type: "string", default: "5" },
  limits: { type: "string", default: "raised" },
  shared: { type: "boolean", default: false },
} as const;
