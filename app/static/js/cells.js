/* Cells of a list, changed where they stand.
 *
 * td[data-edit][data-field] in tr[data-id]: double click, or the pencil (Enter, F2), puts the one
 * input in; Enter saves, Esc takes it back, Tab saves and goes on to the next such cell. One cell of
 * the table is in the tab order; arrow keys go from cell to cell. */
(function () {
  "use strict";
  var CELL = "td[data-edit]";
  var open = null; /* { cell, before, value, next, sent } */

  function words() { return document.getElementById("cell-words").dataset; }
  function cells() { return Array.prototype.slice.call(document.querySelectorAll(CELL)); }
  function pencil(cell) { return cell && cell.querySelector(".js-pencil"); }
  function address(cell) { return window.location.pathname.replace(/list\/?$/, "") + cell.closest("tr").dataset.id + "/cell/" + cell.dataset.field; }
  function input(cell) { return cell.querySelector(".ys-cell-form select, .ys-cell-form input[type=text]"); }

  function mark(cell, reachable) {
    if (pencil(cell)) { return; }
    var button = document.createElement("button");
    var icon = document.createElement("i");
    button.type = "button";
    button.className = "js-pencil ys-pencil";
    button.tabIndex = reachable ? 0 : -1;
    button.setAttribute("aria-label", window.ys.fill(words().edit, { label: cell.dataset.label || "" }));
    icon.className = "ti ti-pencil";
    icon.setAttribute("aria-hidden", "true");
    button.append(icon);
    cell.prepend(button);
  }

  function reach(cell) {
    cells().forEach(function (each) { if (pencil(each)) { pencil(each).tabIndex = each === cell ? 0 : -1; } });
    if (pencil(cell)) { pencil(cell).focus(); }
  }

  function begin(cell) {
    if (!cell || (open && open.cell === cell)) { return; }
    if (open) { /* still being saved: go on afterwards; refused: that one first */
      if (open.sent) { open.next = cell; } else if (input(open.cell)) { input(open.cell).focus(); }
      return;
    }
    open = { cell: cell, before: Array.prototype.slice.call(cell.childNodes), value: null, next: undefined, sent: false };
    window.htmx.ajax("GET", address(cell), { target: cell, swap: "innerHTML" });
  }

  function cancel() {
    var was = open;
    open = null;
    was.cell.replaceChildren.apply(was.cell, was.before);
    return was.cell;
  }

  /* Leave the cell, and go on to another: save what was changed, put back what was not. */
  function leave(next) {
    if (!open || !input(open.cell)) { return; }
    if (input(open.cell).value === open.value) {
      var cell = cancel();
      if (next) { begin(next); } else if (next === null) { reach(cell); }
      return;
    }
    open.next = next;
    send();
  }

  function send() {
    if (open.sent) { return; }
    open.sent = true;
    var values = Object.fromEntries(new FormData(open.cell.querySelector("form")));
    window.htmx.ajax("POST", address(open.cell), { target: open.cell, swap: "innerHTML", values: values });
  }

  function neighbour(cell, by) {
    var all = cells();
    return all[all.indexOf(cell) + by];
  }

  /* The cell above or below in the same column, or beside. */
  function beside(cell, key) {
    if (key === "ArrowLeft" || key === "ArrowRight") { return neighbour(cell, key === "ArrowLeft" ? -1 : 1); }
    var column = cells().filter(function (each) { return each.dataset.field === cell.dataset.field; });
    return column[column.indexOf(cell) + (key === "ArrowUp" ? -1 : 1)];
  }

  document.addEventListener("dblclick", function (event) {
    var cell = event.target.closest(CELL);
    if (cell && !event.target.closest("a, .ys-cell-form")) { begin(cell); }
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest(".js-pencil");
    if (button) { begin(button.closest(CELL)); }
  });

  document.addEventListener("keydown", function (event) {
    var cell = event.target.closest(CELL);
    if (!cell || event.isComposing) { return; }
    if (event.target.matches(".js-pencil")) {
      if (/^Arrow/.test(event.key)) { event.preventDefault(); reach(beside(cell, event.key) || cell); }
      if (event.key === "F2") { event.preventDefault(); begin(cell); }
      return;
    }
    if (event.key === "Enter") { event.preventDefault(); leave(null); }
    if (event.key === "Escape") { event.preventDefault(); reach(cancel()); }
    if (event.key === "Tab") {
      var next = neighbour(cell, event.shiftKey ? -1 : 1);
      if (next) { event.preventDefault(); }
      leave(next);
    }
  });

  document.addEventListener("focusout", function (event) {
    if (open && !open.sent && event.target === input(open.cell) && !event.target.matches("[aria-invalid]") && document.hasFocus()) { leave(undefined); }
  });

  /* a phone's keyboard may send the form by itself */
  document.addEventListener("submit", function (event) { if (event.target.matches(".ys-cell-form")) { event.preventDefault(); leave(null); } });

  document.body.addEventListener("htmx:sendError", function () { if (open) { open.sent = false; if (!input(open.cell)) { open = null; } } });

  document.body.addEventListener("htmx:beforeSwap", function (event) {
    var answer = event.detail;
    if (!open || answer.target !== open.cell) { return; }
    var page = /<html/i.test(answer.xhr.responseText);
    if ((answer.xhr.status === 422 || answer.xhr.status === 409) && !page) {
      answer.shouldSwap = true;
      answer.isError = false;
      return;
    }
    if (!page) { return; }
    /* a page of the frame instead of a cell: signed out, or refused */
    answer.shouldSwap = false;
    answer.isError = false;
    open.sent = false;
    var heading = new DOMParser().parseFromString(answer.xhr.responseText, "text/html").querySelector(".ys-error h1");
    window.ys.say(answer.xhr.status === 200 ? words().signedOut : (heading ? heading.textContent.trim() : words().refused));
    if (!input(open.cell)) { open = null; }
  });

  document.body.addEventListener("htmx:afterSwap", function (event) {
    if (!open || event.detail.target !== open.cell) { return; }
    var field = input(open.cell);
    if (field) {
      open.sent = false; /* not before: the old input loses the focus as it goes */
      if (open.value === null) { open.value = field.value; }
      if (field.getAttribute("aria-invalid")) { open.value = null; }
      field.focus();
      if (field.select) { field.select(); }
      return;
    }
    var was = open;
    open = null;
    was.cell.closest("tr").dataset.version = event.detail.xhr.getResponseHeader("X-Row-Version");
    mark(was.cell, true);
    was.cell.classList.add("ys-saved");
    window.setTimeout(function () { was.cell.classList.remove("ys-saved"); }, 1500);
    if (was.next) { begin(was.next); } else if (was.next === null) { reach(was.cell); }
  });

  window.ys.enhance(function (root) {
    if (!document.getElementById("cell-words") || root.matches(CELL)) { return; }
    var reachable = !document.querySelector(".js-pencil[tabindex='0']");
    root.querySelectorAll(CELL).forEach(function (cell) { mark(cell, reachable); reachable = false; });
  });
})();
