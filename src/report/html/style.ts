/**
 * The look of `report.html`. System fonts; light and dark by the reader's preference, always light on paper.
 * Text reaches contrast AA (4.5:1) on its background in both themes; so do the series colours s0…s5.
 */
export const STYLE = `
:root {
  --bg: #fbfaf8; --surface: #ffffff; --ink: #1c1e22; --muted: #5d636e; --hair: #e5e3de; --axis: #a9a79f; --shade: rgb(0 0 0 / .16);
  --good: #14713a; --good-bg: #e5f4ea; --bad: #b0251b; --bad-bg: #fcebe9; --open: #7d5800; --open-bg: #fbf1d9;
  --s0: #0b62b5; --s1: #b04d09; --s2: #0a7763; --s3: #8a3fb3; --s4: #b3256b; --s5: #5d636e;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --bg: #131519; --surface: #1b1e23; --ink: #e9eaec; --muted: #a3a9b4; --hair: #2d3138; --axis: #666c77; --shade: rgb(0 0 0 / .6);
    --good: #6fd592; --good-bg: #17321f; --bad: #ff9a8f; --bad-bg: #3d1c19; --open: #ecc25c; --open-bg: #362a10;
    --s0: #73b7fb; --s1: #f3a765; --s2: #52cdb3; --s3: #cda2f2; --s4: #f791bd; --s5: #a3a9b4;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--bg); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif;
  overflow-wrap: break-word;
}
main { max-width: 64rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding: 3.5rem 0 0; }
h1 { font-size: clamp(1.6rem, 1.2rem + 1.8vw, 2.4rem); line-height: 1.18; letter-spacing: -0.018em; font-weight: 650; margin: 0 0 .75rem; text-wrap: balance; }
h2 { font-size: 1.3rem; line-height: 1.3; letter-spacing: -0.01em; font-weight: 650; margin: 0 0 .4rem; }
h3 { font-size: 1.05rem; line-height: 1.4; font-weight: 600; margin: 0 0 .5rem; text-wrap: pretty; }
section { margin-top: 3.25rem; }
p { margin: 0 0 .75rem; }
.lead { font-size: 1.125rem; line-height: 1.55; max-width: 46rem; text-wrap: pretty; }
.note, figcaption, footer { color: var(--muted); font-size: .875rem; line-height: 1.5; max-width: 46rem; }
.num, table.plain td, .figure b { font-variant-numeric: tabular-nums; }
.num { white-space: nowrap; }
.spread { color: var(--muted); font-weight: 400; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
code { font: .875em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
b { font-weight: 650; }

.verdict { display: inline-flex; align-items: center; gap: .35rem; padding: .1rem .6rem .1rem .45rem; border-radius: 99px; font-size: .875rem; font-weight: 600; white-space: nowrap; }
.verdict.good { color: var(--good); background: var(--good-bg); }
.verdict.bad { color: var(--bad); background: var(--bad-bg); }
.verdict.open { color: var(--open); background: var(--open-bg); }
.icon { width: .95em; height: .95em; flex: none; fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }

.claim { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 24rem); gap: 1.25rem 2.5rem; align-items: center; background: var(--surface); border: 1px solid var(--hair); border-radius: .75rem; padding: 1.5rem 1.75rem; margin-top: 1rem; break-inside: avoid; }
.kicker { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .7rem; color: var(--muted); font-size: .875rem; margin: 0 0 .6rem; }
.figure { margin: 0; line-height: 1.15; color: var(--muted); }
.figure b { font-size: 2.6rem; font-weight: 600; letter-spacing: -0.03em; color: var(--ink); }
.detail { font-size: .9375rem; margin: .25rem 0 .75rem; color: var(--muted); }
.detail b, .detail .num { color: var(--ink); }
.detail b { font-weight: 600; }
.criteria { list-style: none; margin: 0; padding: 0; font-size: .9375rem; }
.criteria li { display: flex; gap: .5rem; padding: .12rem 0; }
.criteria .icon { margin-top: .3rem; }
.criteria .good .icon { color: var(--good); } .criteria .bad .icon { color: var(--bad); } .criteria .open .icon { color: var(--open); }
.criteria b { margin-left: .6rem; }
.claim .note { margin: .6rem 0 0; }

svg { display: block; max-width: 100%; height: auto; }
svg text { font-size: 12px; fill: var(--muted); font-variant-numeric: tabular-nums; }
.axis { stroke: var(--axis); stroke-width: 1; }
.grid { stroke: var(--hair); stroke-width: 1; }
figure { margin: 0; min-width: 0; }
.strip svg { width: 100%; max-width: 26rem; }
.strip figcaption { font-size: .8125rem; margin-top: .25rem; }
.limit { stroke: var(--ink); stroke-width: 1.25; stroke-dasharray: 3 3; }
.strip .limit-label { fill: var(--ink); }
.dot { fill: var(--s0); fill-opacity: .8; }
.whisker { stroke: var(--ink); stroke-width: 2; stroke-linecap: round; }
.mean { fill: var(--ink); }

/* Shadows at the sides tell that there is more; the page's colour covers them at the ends. */
.scroll {
  overflow-x: auto; margin: 1rem 0 .5rem; scrollbar-width: thin;
  background:
    linear-gradient(to right, var(--bg) 40%, transparent) left / 2rem 100% local,
    linear-gradient(to left, var(--bg) 40%, transparent) right / 2rem 100% local,
    linear-gradient(to right, var(--shade), transparent) left / .6rem 100% scroll,
    linear-gradient(to left, var(--shade), transparent) right / .6rem 100% scroll;
  background-repeat: no-repeat;
}
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--s0); outline-offset: 3px; border-radius: 3px; }
table { border-collapse: collapse; }
caption { text-align: left; padding: 0 0 .6rem; }
caption b, caption span { display: block; max-width: calc(100vw - 2.5rem); }
caption span { color: var(--muted); font-size: .875rem; }
th, td { text-align: left; font-weight: 400; padding: .55rem 1.5rem .55rem 0; vertical-align: top; }
thead th { color: var(--muted); font-size: .875rem; vertical-align: bottom; border-bottom: 1px solid var(--axis); padding-top: .2rem; padding-bottom: .35rem; }
thead .axis-row th, thead .axis-row td { border: 0; padding-bottom: 0; }
tbody tr + tr > * { border-top: 1px solid var(--hair); }
tfoot > tr > * { border-top: 1px solid var(--axis); font-weight: 600; }
table.results { min-width: min(100%, 34rem); }
table.results b { font-size: 1.15rem; }
table.results tbody th { position: relative; font-weight: 600; padding-top: .7rem; padding-left: 1.25rem; min-width: 9.5rem; }
.swatch { position: absolute; left: 0; top: 1.08rem; width: .7rem; height: .7rem; border-radius: 50%; background: currentColor; }
.dots { width: 10rem; margin-top: .25rem; overflow: visible; }
.dots circle { fill: currentColor; fill-opacity: .75; }
.dots .tick { stroke: currentColor; stroke-width: 1.5; }
.missing { color: var(--muted); font-style: italic; }
table.plain { font-size: .9375rem; }
table.plain th, table.plain td { padding-top: .35rem; padding-bottom: .35rem; }
.bar { width: 6rem; height: 4px; margin-top: .2rem; }
.bar rect { fill: var(--s0); }

.s0 { color: var(--s0); } .s1 { color: var(--s1); } .s2 { color: var(--s2); }
.s3 { color: var(--s3); } .s4 { color: var(--s4); } .s5 { color: var(--s5); }
table.results th, table.results .num { color: var(--ink); }
table.results .spread { color: var(--muted); }
table.results thead th { color: var(--muted); }
tr.s0 .swatch { color: var(--s0); } tr.s1 .swatch { color: var(--s1); } tr.s2 .swatch { color: var(--s2); }
tr.s3 .swatch { color: var(--s3); } tr.s4 .swatch { color: var(--s4); } tr.s5 .swatch { color: var(--s5); }

.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); gap: 2rem 2.5rem; margin-top: 1rem; }
.chart { break-inside: avoid; max-width: 32rem; }
.chart figcaption { color: var(--ink); font-size: 1rem; margin-bottom: .5rem; }
.chart figcaption .note { display: block; }
.chart svg { width: 100%; }
.line, .run { fill: none; stroke: currentColor; stroke-linejoin: round; stroke-linecap: round; }
.line { stroke-width: 2; }
.v1 .line { stroke-dasharray: 7 4; } .v2 .line { stroke-dasharray: 1.5 4; }
.run { stroke-width: 1; stroke-opacity: .28; }
.end { fill: currentColor; }
.chart .label { fill: currentColor; font-weight: 600; }

.pictures { list-style: none; padding: 0; margin: 1rem 0 0; display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 1rem 1.5rem; align-items: end; }
.pictures li { break-inside: avoid; }
.triptych, .heads { display: grid; grid-template-columns: repeat(3, 1fr); gap: 3px; }
.heads { display: none; font-size: .8125rem; color: var(--muted); padding-bottom: .3rem; }
.pictures li:nth-child(-n+4) .heads { display: grid; }
.triptych img { display: block; width: 100%; height: auto; border-radius: 2px; }
.pixelated { image-rendering: pixelated; }

.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 10rem), 1fr)); gap: .75rem 2rem; margin: .75rem 0 1rem; }
.facts dt { color: var(--muted); font-size: .875rem; }
.facts dd { margin: 0; }
summary { cursor: pointer; color: var(--muted); font-size: .875rem; padding: .35rem 0; width: fit-content; }
summary:hover { color: var(--ink); }
footer { border-top: 1px solid var(--hair); margin-top: 4rem; padding: 1.25rem 0 3rem; max-width: none; }

@media (max-width: 56rem) {
  .claim { grid-template-columns: minmax(0, 1fr); }
  .pictures { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .pictures li:nth-child(4) .heads { display: none; }
}
@media (max-width: 42rem) {
  main { padding: 0 1rem; }
  header { padding-top: 2rem; }
  section { margin-top: 2.5rem; }
  .claim { padding: 1.1rem 1rem; }
  .pictures { grid-template-columns: minmax(0, 1fr); gap: .6rem; }
  .pictures li:nth-child(n+2) .heads { display: none; }
  th, td { padding-right: .8rem; }
  table.results tbody th { min-width: 0; font-size: .9375rem; }
  .dots { width: 5.5rem; }
}
@media print {
  :root { color-scheme: light; }
  body { background: #ffffff; font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  header { padding: 0; }
  .claim { grid-template-columns: minmax(0, 1fr) minmax(0, 20rem); }
  .scroll { overflow: visible; background: none; }
  details::details-content { content-visibility: visible; height: auto; }
  summary { list-style: none; }
}
`;
