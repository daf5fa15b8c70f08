"""How a table is drawn: by the browser's own table, which gives each column the room of its widest text.

Cells are put in as text, so that nothing stored can become markup. What changes is changed in place: a refresh keeps
the scroll, the order a person chose, and what is ticked.
"""

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

Picks = Literal["rows", "ticks"]

_JAVASCRIPT = """
const MORE_ROWS = 100;
const make = (kind, text, more = {}) => Object.assign(document.createElement(kind), { textContent: text, ...more });

const spark = values => {
  const low = Math.min(...values), span = Math.max(...values) - low || 1, last = Math.max(values.length - 1, 1);
  const points = values.map((value, at) => `${(at / last) * 100},${22 - ((value - low) / span) * 20}`).join(' ');
  const picture = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  picture.setAttribute('viewBox', '0 0 100 24'); picture.setAttribute('preserveAspectRatio', 'none');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  line.setAttribute('points', points); picture.append(line);
  return picture;
};

const order = grid => {
  const rows = grid.data.columns[0].texts.map((_, row) => row), by = grid.data.columns.find(c => c.name === grid.by);
  if (!by) return rows;
  const values = by.values ?? by.texts, missing = value => value === null || value === '–';
  const compare = (a, b) => typeof a === 'number' ? a - b : a.localeCompare(b, undefined, { numeric: true });
  return rows.sort((a, b) => {
    const [one, other] = [values[a], values[b]];
    // What is not known stands last, whichever way it goes.
    if (missing(one) || missing(other)) return missing(one) - missing(other);
    return grid.down ? compare(other, one) : compare(one, other);
  });
};

const write = (grid, cell, column, row, at) => {
  const text = column.texts[row], to = column.links?.[row], key = JSON.stringify([text, to, column.lines?.[row], row]);
  if (cell.key === key) return;
  cell.key = key;
  if (column.lines) cell.replaceChildren(spark(column.lines[row]));
  else if (to) cell.replaceChildren(make('a', text, { href: to }));
  else if (grid.data.picks === 'rows' && at === 0) cell.replaceChildren(make('button', text, { type: 'button' }));
  else cell.textContent = text;
};

const head = grid => {
  const { columns, picks } = grid.data, line = make('tr', '');
  if (picks === 'ticks') line.append(make('th', '', { scope: 'col', ariaLabel: 'Ticked' }));
  for (const column of columns) {
    const cell = make('th', '', { scope: 'col', title: column.note ?? '', className: column.values ? 'number' : '' });
    const sorted = grid.by === column.name ? (grid.down ? 'descending' : 'ascending') : 'none';
    cell.setAttribute('aria-sort', sorted);
    const sign = { none: '', ascending: ' ▲', descending: ' ▼' }[sorted];
    cell.append(make('button', column.title + sign, { type: 'button', onclick: () => sort(grid, column) }));
    line.append(cell);
  }
  grid.element.tHead.replaceChildren(line);
};

const sort = (grid, column) => {
  const first = Boolean(column.values);
  if (grid.by !== column.name) [grid.by, grid.down] = [column.name, first];
  else if (grid.down === first) grid.down = !first;
  else grid.by = undefined;
  head(grid); body(grid); foot(grid);
};

const tick = (grid, row, on) => {
  on ? grid.ticked.add(row) : grid.ticked.delete(row);
  grid.send('ticks', [...grid.ticked].sort((a, b) => a - b));
};

const body = grid => {
  const { columns, picks, label } = grid.data, rows = order(grid).slice(0, grid.most), place = grid.element.tBodies[0];
  while (place.rows.length > rows.length) place.deleteRow(-1);
  rows.forEach((row, at) => {
    const line = place.rows[at] ?? place.insertRow(), shift = picks === 'ticks' ? 1 : 0;
    line.row = row;
    while (line.cells.length < columns.length + shift) line.insertCell();
    if (shift) {
      const box = line.cells[0].firstChild ?? line.cells[0].appendChild(make('input', '', { type: 'checkbox' }));
      box.checked = grid.ticked.has(row); box.onchange = () => tick(grid, row, box.checked);
      box.setAttribute('aria-label', `Tick ${columns[0].texts[row]}`);
    }
    columns.forEach((column, place) => {
      const cell = line.cells[place + shift];
      cell.className = (column.values ? 'number' : '') + (column.is_long ? ' long' : '');
      write(grid, cell, column, row, place);
    });
  });
};

const foot = grid => {
  const { columns, picks } = grid.data, totals = columns.map(column => column.total ?? '');
  if (!totals.some(Boolean)) return grid.element.tFoot.replaceChildren();
  const line = make('tr', '');
  if (picks === 'ticks') line.append(make('td', ''));
  columns.forEach((column, at) => {
    line.append(make('td', at ? totals[at] : grid.data.total, { className: column.values ? 'number' : '' }));
  });
  grid.element.tFoot.replaceChildren(line);
};

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const frame = parentElement.querySelector('.grid'), element = frame.querySelector('table');
  const grid = frame.grid ??= { element, ticked: new Set(data.ticked ?? []), most: MORE_ROWS };
  grid.data = data;
  grid.send = (name, value) => name === 'ticks' ? setStateValue(name, value) : setTriggerValue(name, value);
  frame.style.maxHeight = `${data.height}px`;
  frame.setAttribute('aria-label', data.label);
  element.classList.toggle('picked', data.picks === 'rows'); element.classList.toggle('ticks', data.picks === 'ticks');
  element.classList.toggle('pinned', Boolean(data.pinned));
  frame.onscroll = () => {
    const left = frame.scrollHeight - frame.scrollTop - frame.clientHeight;
    if (left < 600 && grid.most < data.columns[0].texts.length) { grid.most += MORE_ROWS; body(grid); }
  };
  element.tBodies[0].onclick = event => {
    const line = event.target.closest('tr');
    if (data.picks === 'rows' && line && !event.target.closest('a')) grid.send('row', line.row);
  };
  head(grid); body(grid); foot(grid);
}
"""
_HTML = (
    "<div class='grid' role='region' tabindex='0'><table><thead></thead><tbody></tbody><tfoot></tfoot></table></div>"
)
# The first column stays where it is while the others move beneath it, as do titles and totals.
STYLE = """
.grid { overflow: auto; border: 1px solid var(--st-border-color, #ccc); border-radius: 0.5rem; font-size: 0.875rem; }
.grid table { border-collapse: separate; border-spacing: 0; width: 100%; margin: 0;
  font-variant-numeric: tabular-nums; }
.grid :is(th, td) { padding: 0.3rem 0.6rem; white-space: nowrap; text-align: left; vertical-align: top;
  border: 0; border-bottom: 1px solid var(--st-border-color, #ccc); background-color: var(--st-background-color, #fff);
  color: var(--st-text-color, #222); }
.grid .number { text-align: right; }
.grid td.long { white-space: pre-line; min-width: min(22rem, 70vw); overflow-wrap: anywhere; }
.grid th { position: sticky; top: 0; z-index: 2; font-weight: 400; }
.grid tfoot td { position: sticky; bottom: 0; z-index: 2; font-weight: 600; border-bottom: 0;
  border-top: 1px solid var(--st-border-color, #ccc); }
.grid tbody tr:last-child td { border-bottom: 0; }
.grid .pinned :is(th, td):first-child { position: sticky; left: 0; z-index: 1;
  border-right: 1px solid var(--st-border-color, #ccc); }
.grid .pinned.ticks :is(th, td):first-child { border-right: 0; min-width: 2.2rem; max-width: 2.2rem; }
.grid .pinned.ticks :is(th, td):nth-child(2) { position: sticky; left: 2.2rem; z-index: 1;
  border-right: 1px solid var(--st-border-color, #ccc); }
.grid .pinned :is(thead th, tfoot td):is(:first-child), .grid .pinned.ticks :is(thead th, tfoot td):nth-child(2) {
  z-index: 3; }
.grid button { all: unset; cursor: pointer; color: inherit; }
.grid th button { opacity: 0.75; }
.grid th[title]:not([title=""]) button { text-decoration: underline dotted; text-underline-offset: 0.25em; }
.grid :is(button, a, input):focus-visible, .grid:focus-visible { outline: 2px solid currentColor; outline-offset: 1px; }
.grid .picked tbody tr { cursor: pointer; }
.grid tbody tr:hover td { background-color: var(--st-secondary-background-color, #eee); }
.grid a { color: var(--st-link-color, #1E88E5); text-decoration: none; }
.grid a:hover { text-decoration: underline; }
.grid svg { width: 6rem; height: 1.4rem; display: block; }
.grid polyline { fill: none; stroke: var(--st-primary-color, #1E88E5); stroke-width: 1.5;
  vector-effect: non-scaling-stroke; }
@media (max-width: 640px) { .grid :is(th, td) { padding: 0.3rem 0.4rem; } .grid { font-size: 0.8125rem; } }
"""
_mount = st.components.v2.component("flotilla_grid", html=_HTML, js=_JAVASCRIPT, isolate_styles=False)


def grid(
    key: str, data: dict[str, Any], picks: Picks | None = None, on_row: Callable[[int], None] | None = None
) -> tuple[int, ...]:
    """Draw a table and give the places of the rows that are ticked; `on_row` is called with that of one clicked."""

    def clicked() -> None:
        row = st.session_state[key].get("row")
        if on_row is not None and isinstance(row, int):
            on_row(row)

    kept = st.session_state.get(key) or {}
    drawn = {**data, "picks": picks, "ticked": kept.get("ticks")}
    found = _mount(key=key, data=drawn, on_row_change=clicked, on_ticks_change=lambda: None)
    return tuple(row for row in found.get("ticks") or () if isinstance(row, int))
