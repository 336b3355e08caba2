/**
 * Makes `src/data/labels/wordnet-nouns.ts`: the synsets that classes of images are named by, and every synset above them by its
 * first hypernym, out of WordNet 3.0, whose offsets ImageNet's ids are.
 *
 *   node scripts/generate-wordnet.ts DATA_NOUN [IDS…]
 *
 * DATA_NOUN is WordNet's `data.noun` (Debian: package `wordnet-base`). IDS are text files with an id such as n01440764 at the
 * beginning of a line: lists of ImageNet's and Tiny-ImageNet's classes. Without them the table keeps the synsets that it has.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { classSynsets } from "../src/data/labels/class-synsets.ts";

const TARGET = path.resolve("src/data/labels/wordnet-nouns.ts");

type Synset = { readonly word: string; readonly parent: string | null };

/** `data.noun`, wndb(5WN): offset, file, type, count of words in hex, words, count of pointers, pointers. */
function readNouns(text: string): Map<string, Synset> {
  const synsets = new Map<string, Synset>();
  for (const line of text.split("\n")) {
    if (line.startsWith("  ") || line === "") continue;
    const fields = line.split(" ");
    const [offset = "", , , words = "0", word = ""] = fields;
    const pointers = 4 + 2 * Number.parseInt(words, 16);
    const hypernyms = Array.from({ length: Number(fields[pointers]) }, (_, i) =>
      fields.slice(pointers + 1 + 4 * i, pointers + 5 + 4 * i),
    ).filter(([symbol, , type]) => /^@i?$/.test(symbol ?? "") && type === "n");
    synsets.set(`n${offset}`, {
      word: word.replaceAll("_", " "),
      parent: hypernyms[0] ? `n${hypernyms[0][1] ?? ""}` : null,
    });
  }
  return synsets;
}

const [nounFile, ...idFiles] = process.argv.slice(2);
if (nounFile === undefined)
  throw new Error("usage: node scripts/generate-wordnet.ts DATA_NOUN [IDS…]");
const text = await readFile(nounFile, "utf8");
const nouns = readNouns(text);
const lists = await Promise.all(
  (idFiles.length > 0 ? idFiles : [TARGET]).map((file) =>
    readFile(file, "utf8"),
  ),
);
const wanted = new Set([
  ...lists.flatMap((list) => list.match(/^n\d{8}/gm) ?? []),
  ...Object.values(classSynsets),
]);
const taken = new Map<string, Synset>();
for (const id of wanted)
  for (let at: string | null = id; at !== null && !taken.has(at);) {
    const synset = nouns.get(at);
    if (!synset) throw new Error(`WordNet has no noun ${at}`);
    taken.set(at, synset);
    at = synset.parent;
  }
const license = text
  .split("\n")
  .filter((line) => line.startsWith("  "))
  .map((line) => line.trimEnd());
const rows = [...taken]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([id, { word, parent }]) => `${id} ${parent ?? "-"} ${word}`);
await writeFile(
  TARGET,
  `/**
 * Nouns of WordNet 3.0: a line each, with the id, that of the first hypernym (\`-\`: none) and the first word. Lines that begin
 * with two blanks are WordNet's licence. Made by \`scripts/generate-wordnet.ts\`; read by \`synsets.ts\`.
 */
export const WORDNET_NOUNS = \`
${[...license, ...rows].join("\n")}
\`;
`,
);
console.log(`${wanted.size} synsets, ${taken.size} with those above them`);
