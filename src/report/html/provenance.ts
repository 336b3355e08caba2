/** What the figures rest on: what was left out, which artifacts and versions, and (in a run's copy) what it cost. */
import { isDatasetKind } from "../../plan/plan.ts";
import { formatBytes, formatCell, formatDuration } from "../format.ts";
import type { RunFacts } from "../run-facts.ts";
import type { ReportValue } from "../value.ts";
import { html } from "./markup.ts";
import type { Markup } from "./markup.ts";
import { renderReading } from "./reading.ts";
import { renderScrollBox } from "./tables.ts";

export function renderLeftOut(leftOut: ReportValue["leftOut"]): Markup {
  return html`<section aria-labelledby="left-out">
    <h2 id="left-out">Left out</h2>
    ${
      leftOut.length === 0
        ? html`<p>
            Nothing: every planned cell was measured, and no dataset left out an
            image.
          </p>`
        : html`<ul>
            ${leftOut.map(
              ({ what, count }) =>
                html`<li>${what}: <b class="num">${count}</b></li>`,
            )}
          </ul>`
    }
  </section>`;
}

export function renderRun(facts: RunFacts): Markup {
  const { stages } = facts;
  const total = (pick: (stage: RunFacts["stages"][number]) => number) =>
    stages.reduce((sum, stage) => sum + pick(stage), 0);
  const cpuMs = Math.max(
    1,
    total((stage) => stage.cpuMs),
  );
  const grid = html`<table class="plain">
    <caption class="hidden">
      Time and memory by stage
    </caption>
    <thead>
      <tr>
        <th scope="col">Stage</th>
        <th scope="col">Tasks</th>
        <th scope="col">From store</th>
        <th scope="col">Time</th>
        <th scope="col">CPU time</th>
        <th scope="col">Peak memory</th>
      </tr>
    </thead>
    <tbody>
      ${stages.map(
        (stage) =>
          html`<tr>
            <th scope="row">
              ${stage.stage}<span class="spread"> ${stage.kind}</span>
            </th>
            <td class="num">${stage.tasks}</td>
            <td class="num">${stage.cached}</td>
            <td class="num">${formatDuration(stage.wallMs)}</td>
            <td class="num">
              ${formatDuration(stage.cpuMs)}
              <svg
                class="bar"
                viewBox="0 0 100 6"
                preserveAspectRatio="none"
                aria-hidden="true"
              >
                <rect
                  width="${Math.round((stage.cpuMs / cpuMs) * 1000) / 10}"
                  height="6"
                />
              </svg>
            </td>
            <td class="num">${formatBytes(stage.peakMemoryBytes)}</td>
          </tr>`,
      )}
    </tbody>
    <tfoot>
      <tr>
        <th scope="row">Sum</th>
        <td class="num">${total((stage) => stage.tasks)}</td>
        <td class="num">${total((stage) => stage.cached)}</td>
        <td class="num">${formatDuration(total((stage) => stage.wallMs))}</td>
        <td class="num">${formatDuration(total((stage) => stage.cpuMs))}</td>
        <td class="num"></td>
      </tr>
    </tfoot>
  </table>`;
  const finished = new Date(facts.finishedAtMs).toISOString();
  return html`<section aria-labelledby="cost">
    <h2 id="cost">Time and cost</h2>
    <p>
      Run <code>${facts.run}</code> on
      ${facts.host}${facts.wallMs > 0 ? `: ${formatDuration(facts.wallMs)}` : null},
      finished ${finished.slice(0, 16).replace("T", " ")} UTC.
    </p>
    ${renderScrollBox("Time and memory by stage", grid)}
    ${renderReading(stages)}
    <p class="note">
      Sums over tasks, which run side by side. What came from the store shows
      what it cost when it was computed.
    </p>
  </section>`;
}

export function renderProvenance({
  provenance: { artifacts },
}: ReportValue): Markup {
  const distinct = (values: readonly (string | null)[]) =>
    [...new Set(values)].filter((value) => value !== null).join(", ") || "none";
  const seeds = artifacts.flatMap(({ seed }) => (seed === null ? [] : [seed]));
  const contracts = artifacts.map(
    ({ kind, contract }) => `${kind} ${contract}`,
  );
  const datasets = artifacts
    .filter(({ kind }) => isDatasetKind(kind))
    .map(({ key }) => key.slice(0, 12));
  const facts: readonly (readonly [string, string])[] = [
    ["hueline", distinct(artifacts.map(({ hueline }) => hueline))],
    ["TensorFlow", distinct(artifacts.map(({ tensorflow }) => tensorflow))],
    [
      "Seeds",
      distinct([...new Set(seeds)].toSorted((a, b) => a - b).map(String)),
    ],
    ["Datasets", distinct(datasets)],
    ["Contracts", distinct(contracts)],
  ];
  const grid = html`<table class="plain">
    <caption class="hidden">
      Artifacts
    </caption>
    <thead>
      <tr>
        <th scope="col">Stage or kind</th>
        <th scope="col">Cell</th>
        <th scope="col">Seed</th>
        <th scope="col">Key</th>
      </tr>
    </thead>
    <tbody>
      ${artifacts.map(
        ({ kind, stage, cell, seed, key }) =>
          html`<tr>
            <th scope="row">
              ${stage ?? kind}${stage === null ? null : html`<span class="spread"> ${kind}</span>`}
            </th>
            <td>${cell ? formatCell(cell) : null}</td>
            <td class="num">${seed ?? null}</td>
            <td><code>${key.slice(0, 12)}</code></td>
          </tr>`,
      )}
    </tbody>
  </table>`;
  return html`<section aria-labelledby="provenance">
    <h2 id="provenance">Provenance</h2>
    <dl class="facts">
      ${facts.map(
        ([name, text]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${text}</dd>
          </div>`,
      )}
    </dl>
    <details>
      <summary>All ${artifacts.length} artifacts behind this report</summary>
      ${renderScrollBox("Artifacts", grid)}
      <p class="note">
        A key is a hash of everything that decides an artifact’s bytes. Keys are
        shortened here; report.json has them in full.
      </p>
    </details>
  </section>`;
}
