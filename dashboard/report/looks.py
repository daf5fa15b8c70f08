"""How the file looks: calm on a screen, light or dark, wide or narrow, and on paper."""

_LIGHT = (
    "--ink: #1b2733; --soft: #5b6875; --paper: #ffffff; --card: #f6f7f9; --line: #dbe1e7; --gain: #0072b2; "
    "--loss: #c24e00;"
)
_DARK = (
    "--ink: #e6ebf0; --soft: #9aa8b5; --paper: #10161c; --card: #18212a; --line: #2c3844; --gain: #6cb8ea; "
    "--loss: #ff9a5c;"
)

LOOKS = """
:root { color-scheme: light dark; LIGHT }
@media (prefers-color-scheme: dark) { :root:not(.paper) { DARK } }
:root.paper { color-scheme: light; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI",
  Roboto, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 62rem; margin: 0 auto; padding: 4rem 2rem 5rem; }
h1, h2, h3, p, dl, dd, figure { margin: 0; }
h1 { font-size: 2.4rem; line-height: 1.15; letter-spacing: -0.02em; font-weight: 650; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; letter-spacing: -0.01em; font-weight: 650; margin-bottom: 0.35rem; }
h3 { font-size: 0.8rem; font-weight: 650; letter-spacing: 0.06em; text-transform: uppercase; color: var(--soft);
  margin: 1.6rem 0 0.5rem; }
header { padding-bottom: 2rem; border-bottom: 1px solid var(--line); }
section { padding-top: 2.75rem; }
.eyebrow { font-size: 0.8rem; font-weight: 650; letter-spacing: 0.06em; text-transform: uppercase; color: var(--soft);
  margin-bottom: 0.6rem; }
.subject { font-size: 1.25rem; margin-top: 0.6rem; overflow-wrap: anywhere; }
.period { color: var(--soft); }
.badges { display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 1.1rem 0; }
.badge { border: 1px solid var(--ink); border-radius: 0.3rem; padding: 0.1rem 0.6rem; font-size: 0.9rem;
  font-weight: 600; overflow-wrap: anywhere; }
.made, .about, .note, figcaption { font-size: 0.875rem; color: var(--soft); }
.made { margin-top: 1rem; }
.note { margin-top: 1rem; max-width: 46rem; }
header .note { color: var(--ink); font-size: 1rem; }
section > .about { max-width: 46rem; margin-bottom: 1rem; }
.missing { padding: 0.9rem 1.1rem; background: var(--card); border-radius: 0.4rem; max-width: 46rem; }
#undrawn { margin-top: 1.5rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1.4rem 1.5rem; }
dt { font-size: 0.875rem; color: var(--soft); }
dd { font-size: 1.5rem; line-height: 1.3; font-weight: 600; letter-spacing: -0.01em; }
dd.about { font-size: 0.8125rem; line-height: 1.4; font-weight: 400; letter-spacing: 0; }
.gain { color: var(--gain); } .loss { color: var(--loss); }
figure { margin-top: 1rem; }
figcaption { max-width: 46rem; }
.chart { width: 100%; }
.wide { overflow-x: auto; }
.wide:focus-visible { outline: 2px solid var(--gain); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; line-height: 1.4; }
th, td { padding: 0.4rem 0.75rem 0.4rem 0; text-align: left; vertical-align: middle;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; font-size: 0.8125rem; vertical-align: bottom; }
td { unicode-bidi: isolate; }
td:not(.number) { overflow-wrap: break-word; max-width: 22rem; }
.number { text-align: right; }
.number, .whole { white-space: nowrap; }
th.number { white-space: normal; }
.number:last-child { padding-right: 0; }
.number + td:not(.number), .number + th:not(.number) { padding-left: 1rem; }
.even { table-layout: fixed; min-width: 46rem; }
.even th:first-child { width: 18%; } .even th:nth-child(6) { width: 15%; }
.total td { font-weight: 650; border-top: 1px solid var(--ink); border-bottom: 0; }
.month { display: block; padding: 0.2rem 0.3rem; margin: -0.1rem -0.3rem; border-radius: 0.2rem; }
.gain-ground { background: color-mix(in srgb, var(--gain) calc(var(--share) * 45%), transparent); }
.loss-ground { background: color-mix(in srgb, var(--loss) calc(var(--share) * 45%), transparent); }
.none { color: var(--soft); }
.interval { width: 7rem; min-width: 5rem; height: 0.85rem; display: block; }
.track { fill: var(--line); } .band { fill: var(--gain); opacity: 0.35; } .rate { fill: var(--gain); }
.terms { display: grid; grid-template-columns: max-content 1fr; gap: 0.45rem 1.5rem; font-size: 0.875rem;
  margin-top: 1rem; }
.terms dt { font-weight: 600; color: var(--ink); }
.terms dd { font-size: inherit; font-weight: 400; line-height: 1.5; letter-spacing: 0; color: var(--soft); }
@media (max-width: 40rem) {
  main { padding: 2rem 1.1rem 3rem; }
  h1 { font-size: 1.8rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 1.1rem 1rem; }
  dd { font-size: 1.2rem; }
  th:first-child, td:first-child { position: sticky; left: 0; background: var(--paper); padding-right: 0.75rem; }
  .terms { grid-template-columns: 1fr; gap: 0; }
  .terms dd { margin-bottom: 0.6rem; }
}
@page { margin: 16mm 14mm; }
@media print {
  :root:not(#never) { color-scheme: light; LIGHT }
  body { font-size: 9pt; line-height: 1.4; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 22pt; }
  h2 { font-size: 13pt; }
  h3 { margin: 0.8rem 0 0.3rem; font-size: 7.5pt; }
  header { padding-bottom: 0.8rem; }
  header .note { font-size: 10pt; }
  .badges { margin: 0.6rem 0; }
  section { padding-top: 1.1rem; }
  figure { margin-top: 0.3rem; }
  .made, .about, .note, figcaption, dt { font-size: 8pt; }
  .chart { min-height: 0 !important; }
  h2, h3, .about { break-after: avoid; }
  figure, tr, .tiles > div, .missing { break-inside: avoid; }
  .wide { overflow: visible; }
  table { font-size: 7.5pt; }
  th { font-size: 7.5pt; }
  th, td { padding: 0.25rem 0.4rem 0.25rem 0; }
  td:not(.number) { overflow-wrap: anywhere; }
  .tiles { grid-template-columns: repeat(4, 1fr); gap: 0.5rem 1rem; }
  dd { font-size: 13pt; }
  dd.about { font-size: 7.5pt; }
  .terms, .terms dd { font-size: 8pt; gap: 0.15rem 1rem; }
  .interval { width: 4.5rem; min-width: 0; }
  .even { min-width: 0; }
}
""".replace("LIGHT", _LIGHT).replace("DARK", _DARK)
