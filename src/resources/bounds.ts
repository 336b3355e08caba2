/** The most that a status says of each kind, in items. Apart from the schema: whoever reads a status needs no schema. */
export const bounds = { stages: 50, notes: 20, conditions: 8 } as const;
