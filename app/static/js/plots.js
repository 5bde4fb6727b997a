/* Plots, each drawn out of the table that stands behind it: heads are the series, rows the bars, links where a click leads. */
(function () {
  "use strict";
  if (!window.echarts) { return; }

  function colours(element, plot) {
    var numbers = plot.dataset.colours ? plot.dataset.colours.split(",") : [1, 2, 3, 4, 5, 6, 7, 8];
    var style = getComputedStyle(element);
    function get(name) { return style.getPropertyValue(name).trim(); }
    return {
      series: numbers.map(function (number) { return get("--ys-plot-" + number); }),
      text: get("--ys-plot-text"), line: get("--ys-line"), surface: get("--ys-surface"), font: getComputedStyle(document.body).fontFamily
    };
  }

  /* What the table says, of the group that is chosen. */
  function read(plot) {
    var grouped = plot.dataset.grouped ? 1 : 0;
    var choice = plot.querySelector(".js-plot-group");
    var rows = Array.prototype.slice.call(plot.querySelectorAll("tbody tr"));
    if (grouped) {
      var group = choice ? choice.value : rows[0].cells[0].textContent;
      rows = rows.filter(function (row) { return row.cells[0].textContent === group; });
    }
    var heads = Array.prototype.slice.call(plot.querySelectorAll("thead th"), grouped + 1);
    if (plot.dataset.drawn) { heads = heads.slice(0, Number(plot.dataset.drawn)); }
    return {
      labels: rows.map(function (row) { return row.cells[grouped].textContent; }),
      series: heads.map(function (head, place) {
        return {
          name: head.textContent,
          cells: rows.map(function (row) {
            var cell = row.cells[grouped + 1 + place];
            var link = cell.querySelector("a");
            return { value: Number(cell.dataset.value) || null, link: link ? link.getAttribute("href") : "" };
          })
        };
      })
    };
  }

  function options(plot, data, look, picture) {
    var lying = plot.dataset.kind === "bars";
    var many = data.series.length > 1;
    var names = { type: "category", data: data.labels, inverse: lying, axisTick: { show: false }, axisLine: { lineStyle: { color: look.line } }, axisLabel: { color: look.text, hideOverlap: true, width: 120, overflow: "truncate" } };
    var numbers = { type: "value", minInterval: 1, splitNumber: 4, axisLabel: { color: look.text }, splitLine: { lineStyle: { color: look.line } } };
    return {
      animation: false,
      color: look.series,
      backgroundColor: picture ? look.surface : "transparent",
      textStyle: { fontFamily: look.font, color: look.text },
      title: picture ? { text: plot.dataset.name, left: 12, top: 10, textStyle: { fontSize: 16, color: look.text } } : undefined,
      aria: { enabled: true, label: { enabled: false }, decal: { show: many, decals: decals(look) } },
      legend: many ? { top: picture ? 40 : 0, left: 4, type: "scroll", textStyle: { color: look.text }, itemWidth: 18, itemHeight: 12, icon: "rect" } : { show: false },
      grid: { left: 8, right: 28, bottom: 4, top: (many ? 34 : lying ? 8 : 24) + (picture ? 42 : 0), containLabel: true },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, renderMode: "richText", confine: true, backgroundColor: look.surface, borderColor: look.line, textStyle: { color: look.text, fontFamily: look.font }, valueFormatter: function (value) { return (value || 0) + " " + plot.dataset.unit; } },
      xAxis: lying ? numbers : names,
      yAxis: lying ? names : numbers,
      series: data.series.map(function (series) {
        return {
          name: series.name, type: "bar", stack: many ? "all" : undefined, barMaxWidth: 28, cursor: "pointer",
          label: many ? { show: false } : { show: true, position: lying ? "right" : "top", color: look.text, formatter: function (hit) { return hit.value || ""; } },
          itemStyle: { borderColor: look.surface, borderWidth: many ? 1 : 0 },
          data: series.cells
        };
      })
    };
  }

  /* Series differ by pattern as well as by colour. */
  function decals(look) {
    var ink = "rgba(255,255,255,.55)";
    var base = { color: ink, dashArrayX: [1, 0], dashArrayY: [2, 6], symbolSize: 1, maxTileWidth: 64, maxTileHeight: 64 };
    function made(change) { return Object.assign({}, base, change); }
    return [
      { symbol: "none" }, made({ rotation: Math.PI / 4 }), made({ symbol: "circle", dashArrayX: [[8, 8], [0, 8, 8, 0]], dashArrayY: [6, 0], symbolSize: .45 }), made({ rotation: 0 }),
      made({ rotation: -Math.PI / 4 }), made({ symbol: "rect", dashArrayX: [[8, 8], [0, 8, 8, 0]], dashArrayY: [6, 0], symbolSize: .4 }), made({ rotation: Math.PI / 2 }), made({ dashArrayY: [4, 10], rotation: Math.PI / 4 })
    ];
  }

  function height(plot, data) {
    var rows = data.labels.length;
    return plot.dataset.kind === "bars" ? Math.max(110, rows * 36 + (data.series.length > 1 ? 70 : 44)) : 250;
  }

  function draw(plot) {
    var canvas = plot.querySelector(".ys-canvas");
    var data = read(plot);
    canvas.style.height = height(plot, data) + "px";
    var chart = window.echarts.getInstanceByDom(canvas);
    if (!chart) {
      chart = window.echarts.init(canvas, null, { renderer: "canvas" });
      chart.on("click", function (hit) { if (hit.data && hit.data.link) { window.location.assign(hit.data.link); } });
      new ResizeObserver(function () { chart.resize(); }).observe(canvas);
    }
    chart.resize();
    chart.setOption(options(plot, data, colours(plot, plot), false), true);
  }

  /* The plot in light colours, whatever the page has: pictures go into documents. */
  function picture(plot) {
    var probe = document.createElement("div");
    probe.setAttribute("data-bs-theme", "light");
    document.body.append(probe);
    var look = colours(probe, plot);
    probe.remove();
    var data = read(plot);
    var chart = window.echarts.init(document.createElement("div"), null, { renderer: "canvas", width: 900, height: height(plot, data) + 90 });
    chart.setOption(options(plot, data, look, true));
    var link = document.createElement("a");
    link.href = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: look.surface });
    link.download = plot.dataset.name + ".png";
    link.click();
    chart.dispose();
  }

  /* The drawn plots of a part of the page, which may be a plot itself. */
  function all(root) {
    var found = Array.prototype.slice.call(root.querySelectorAll(".ys-plot"));
    if (root !== document && root.matches(".ys-plot")) { found.unshift(root); }
    return found.filter(function (plot) { return plot.querySelector(".ys-canvas"); });
  }

  window.ys.enhance(function (root) { all(root).forEach(draw); });
  document.addEventListener("ys:look", function () { all(document).forEach(draw); });
  document.addEventListener("change", function (event) { if (event.target.matches(".js-plot-group")) { draw(event.target.closest(".ys-plot")); } });
  document.addEventListener("click", function (event) {
    var button = event.target.closest(".js-plot-picture");
    if (button) { picture(button.closest(".ys-plot")); }
  });
})();
