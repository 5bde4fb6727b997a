/* Ticked rows of a list, and what can be done with them.
 *
 * .js-all ticks the page; .js-tick[value=ID] one row. The bar is form#bulk (register/bulk_bar.html).
 * "Every matching row" is a state of the bar (data-all), which any tick ends. */
(function () {
  "use strict";

  function bar() { return document.getElementById("bulk"); }
  function ticks() { return Array.prototype.slice.call(document.querySelectorAll(".js-tick")); }
  function every() { return bar().dataset.all === "1"; }

  /* The arguments that choose the rows. */
  function chosen(rows) {
    if (every()) { return "all=1" + (bar().dataset.query ? "&" + bar().dataset.query : ""); }
    return rows.map(function (tick) { return "ids=" + tick.value; }).join("&");
  }

  function show() {
    var bulk = bar();
    if (!bulk) { return; }
    var all = ticks();
    var rows = all.filter(function (tick) { return tick.checked; });
    if (rows.length < all.length) { bulk.dataset.all = ""; }
    bulk.hidden = rows.length === 0;
    bulk.querySelector(".js-count").textContent = window.ys.fill(every() ? bulk.dataset.every : bulk.dataset.picked, { count: every() ? bulk.dataset.total : rows.length });
    bulk.querySelector(".js-every").hidden = every() || rows.length < all.length || bulk.dataset.total === String(all.length);
    bulk.querySelectorAll(".js-chosen").forEach(function (link) { link.search = chosen(rows) + "&back=" + encodeURIComponent(bulk.dataset.back); });
    bulk.querySelectorAll(".js-export").forEach(function (link) { link.search = every() ? bulk.dataset.query : chosen(rows); });
    bulk.querySelectorAll(".js-compare").forEach(function (link) {
      link.hidden = every() || rows.length < 2 || rows.length > 5;
      link.search = rows.map(function (tick) { return "ids=" + tick.value; }).join("&");
    });
    bulk.action = bulk.getAttribute("action").split("?")[0] + (every() ? "?" + chosen(rows) : "");
    document.querySelectorAll(".js-all").forEach(function (box) {
      box.checked = rows.length > 0 && rows.length === all.length;
      box.indeterminate = rows.length > 0 && rows.length < all.length;
    });
    all.forEach(function (tick) { tick.closest("tr").classList.toggle("ys-picked", tick.checked); });
  }

  document.addEventListener("change", function (event) {
    if (event.target.matches(".js-all")) { ticks().forEach(function (tick) { tick.checked = event.target.checked; }); }
    if (event.target.matches(".js-all, .js-tick")) { show(); }
  });

  document.addEventListener("click", function (event) {
    var target = event.target.closest("#bulk .js-every, #bulk .js-none, #bulk .js-void, #bulk-void .js-unvoid");
    if (!target) { return; }
    if (target.matches(".js-every")) { bar().dataset.all = "1"; }
    if (target.matches(".js-none")) { ticks().forEach(function (tick) { tick.checked = false; }); }
    if (target.matches(".js-void")) { document.getElementById("bulk-void").showModal(); }
    if (target.matches(".js-unvoid")) { document.getElementById("bulk-void").close(); }
    show();
    if (target.matches(".js-every")) { bar().querySelector(".js-chosen, .js-void, .js-none").focus(); }
    if (target.matches(".js-none")) { var first = document.querySelector(".js-all, .js-tick"); if (first) { first.focus(); } }
  });

  window.addEventListener("pageshow", show); /* the browser ticks again what was ticked before "back" */
  window.ys.enhance(show);
})();
