/** A program that exits in the middle of loading, without closing: `node exiting-loader.ts FOLDER`. */
import { openLoader } from "../../src/data/loader/open-loader.ts";
import { loaderOptions, packPhotographs } from "./loader-dataset.ts";

const dataset = await packPhotographs(process.argv[2] ?? "", {
  count: 60,
  shards: 2,
});
const loader = await openLoader(loaderOptions(dataset));
await loader.batch(0);
void loader.batch(1);
process.exit(7);
