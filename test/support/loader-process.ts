/**
 * One rank of a training that only reads, until it is killed: `node loader-process.ts '{"reading", "world", "rank",
 * "fromStep"}'`. Says each step's part as one line of JSON, when it has it.
 */
import {
  openRank,
  openReading,
  readPart,
  type Reading,
  type World,
} from "./exactness.ts";

const { reading, world, rank, fromStep } = JSON.parse(
  process.argv[2] ?? "",
) as {
  readonly reading: Reading;
  readonly world: World;
  readonly rank: number;
  readonly fromStep: number;
};
const loader = await openRank(reading, await openReading(reading), {
  ...world,
  rank,
  fromStep,
});
for (let step = fromStep; ; step++) {
  const line = `${JSON.stringify(await readPart(loader, step))}\n`;
  await new Promise((resolve) => process.stdout.write(line, resolve));
}
