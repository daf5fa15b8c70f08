"""The script of the file: draws the charts in the colours of the reader's screen, and in those of paper for print."""

DRAWING = """
'use strict';
(() => {
  const places = [...document.querySelectorAll('.chart')];
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const colours = () => {
    const css = getComputedStyle(document.documentElement);
    const of = (name) => css.getPropertyValue(name).trim();
    return { ink: of('--ink'), line: of('--line'), card: of('--card') };
  };
  // Titles of axes go over several lines where the chart is narrow.
  const wrapped = (text, most) => text.split(' ').reduce((lines, word) => {
    const last = lines.at(-1);
    return last && (last + word).length < most ? [...lines.slice(0, -1), `${last} ${word}`] : [...lines, word];
  }, []).join('<br>');
  const layoutOf = (figure, width, share) => {
    const { ink, line, card } = colours();
    const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true, fixedrange: true };
    const layout = { ...figure.layout, width, autosize: false, dragmode: false, paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)', modebar: { bgcolor: 'rgba(0,0,0,0)' },
      hoverlabel: { ...figure.layout.hoverlabel, bgcolor: card, bordercolor: line, font: { color: ink } },
      font: { color: ink, size: share < 1 ? 10 : 12, family: 'system-ui, sans-serif' } };
    layout.height = (layout.height || 320) * share;
    for (const name of new Set(['xaxis', 'yaxis', ...Object.keys(layout)])) {
      if (!/^[xy]axis/.test(name)) continue;
      layout[name] = { ...axis, ...layout[name] };
      const title = layout[name].title, room = name[0] === 'x' ? width : layout.height;
      if (title?.text) layout[name].title = { ...title, text: wrapped(title.text, room / 8) };
    }
    return layout;
  };
  const figures = places.map((place) => JSON.parse(place.nextElementSibling.textContent));
  const draw = (width, share = 1) => places.forEach((place, at) => {
    // Data are drawn as they came: Plotly writes into what it is given.
    const figure = structuredClone(figures[at]);
    const wide = width || place.clientWidth;
    Plotly.react(place, figure.data, layoutOf(figure, wide, share), { displayModeBar: false });
  });
  let waiting;
  addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(() => draw(), 150); });
  dark.addEventListener('change', () => draw());
  addEventListener('beforeprint', () => { document.documentElement.classList.add('paper'); draw(PAPER_PX, 0.75); });
  addEventListener('afterprint', () => { document.documentElement.classList.remove('paper'); draw(); });
  draw();
  document.getElementById('undrawn')?.remove();
})();
""".replace("PAPER_PX", "680")
