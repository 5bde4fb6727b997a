/* A list's filters, panel of more filters, dialogs beside it, and the place that the reader had. */
(function () {
  "use strict";
  var left = 0;

  function form() { return document.getElementById("filters"); }

  /* What the form would send now, for pages that take the same arguments. */
  function query() {
    var pairs = Array.prototype.filter.call(Array.from(new FormData(form()).entries()), function (pair) { return pair[1] !== ""; });
    return new URLSearchParams(pairs).toString();
  }

  function show(open) {
    form().classList.toggle("open", open);
    var button = form().querySelector(".js-more");
    if (button) { button.setAttribute("aria-expanded", open ? "true" : "false"); }
  }

  function more(button) {
    if (form().querySelector(".ys-more.js-loaded")) { show(!form().classList.contains("open")); return; }
    window.htmx.ajax("GET", button.pathname + "?" + query(), { target: "#more", swap: "outerHTML" }).then(function () {
      show(true);
      var first = form().querySelector(".ys-more input:not([type=hidden]), .ys-more select");
      if (first) { (first.tomselect || first).focus(); }
    });
  }

  function tool(link) {
    var dialog = document.getElementById("list-dialog");
    window.htmx.ajax("GET", link.href, { target: dialog, swap: "innerHTML" }).then(function () { dialog.showModal(); });
  }

  function move(row, by) {
    var other = by < 0 ? row.previousElementSibling : row.nextElementSibling;
    if (other) { if (by < 0) { other.before(row); } else { other.after(row); } }
  }

  document.addEventListener("click", function (event) {
    var target = event.target.closest(".js-more, .js-less, .js-tool, .js-move, .js-dismiss");
    if (!target) { return; }
    if (target.matches(".js-more, .js-tool")) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) { return; }
      event.preventDefault();
    }
    if (target.matches(".js-more")) { more(target); }
    if (target.matches(".js-less")) { show(false); form().querySelector(".js-more").focus(); }
    if (target.matches(".js-tool")) { tool(target); }
    if (target.matches(".js-dismiss")) { target.closest("dialog").close(); }
    if (target.matches(".js-move")) { move(target.closest("li"), Number(target.dataset.by)); target.focus(); }
  });

  /* The controls in sight narrow the list at once; those of the panel when the button is pressed. */
  function now(event) {
    var box = event.target;
    if (!box.matches(".js-now") || !box.form) { return; }
    if (box.type === "search" && (event.type === "change" || box.value)) { return; } /* Enter sends the form by itself */
    box.form.requestSubmit();
  }
  document.addEventListener("change", now);
  document.addEventListener("search", now, true);
  document.addEventListener("submit", function (event) { if (event.target.id === "filters") { show(false); } });

  /* Columns are moved by dragging, too. */
  var dragged = null;
  document.addEventListener("dragstart", function (event) { dragged = event.target.closest ? event.target.closest(".ys-columns > li") : null; });
  document.addEventListener("dragend", function () { dragged = null; });
  document.addEventListener("dragover", function (event) {
    var over = dragged && event.target.closest(".ys-columns > li");
    if (!over) { return; }
    event.preventDefault();
    if (over !== dragged) {
      var box = over.getBoundingClientRect();
      if (event.clientY < box.top + box.height / 2) { over.before(dragged); } else { over.after(dragged); }
    }
  });

  /* A table that was scrolled sideways stays where it was. */
  document.addEventListener("htmx:beforeSwap", function (event) {
    var answer = event.detail.xhr;
    if (/^(results|list|more|list-dialog)$/.test(event.detail.target.id) && answer.responseURL.indexOf("/login/") > 0) {
      event.detail.shouldSwap = false;
      window.location.reload();
      return;
    }
    var wrap = document.querySelector(".ys-list-wrap");
    left = wrap ? wrap.scrollLeft : 0;
  });
  document.addEventListener("htmx:afterSettle", function () {
    var wrap = document.querySelector(".ys-list-wrap");
    if (wrap && left) { wrap.scrollLeft = left; }
  });
  document.addEventListener("htmx:responseError", function () { window.ys.say(window.ys.words.lost); });
})();
