/* Children: rows in the form of a new record, and rows of a record's page that turn into forms in place. */
(function () {
  "use strict";
  var ys = window.ys;

  /* the form of a new record --------------------------------------------------------------- */

  function number(section) {
    section.querySelectorAll(".ys-rowform .js-number").forEach(function (label, place) { label.textContent = place + 1; });
  }

  function add(form, kind, wanted) {
    var section = Array.prototype.find.call(form.querySelectorAll(".ys-below"), function (each) { return each.dataset.kind === kind; });
    if (!section) { return null; }
    var rows = section.querySelector(".ys-rows");
    var places = Array.prototype.map.call(rows.children, function (row) { return Number(row.dataset.place); });
    var place = wanted === undefined ? Math.max.apply(null, [-1].concat(places)) + 1 : wanted;
    var holder = document.createElement("div");
    holder.innerHTML = section.querySelector("template").innerHTML.replace(/__place__/g, String(place));
    var row = holder.firstElementChild;
    rows.append(row);
    number(section);
    ys.renew(row);
    return row;
  }
  ys.children = { add: add };

  document.addEventListener("click", function (event) {
    var adds = event.target.closest(".js-add");
    var drops = event.target.closest(".js-remove");
    var shuts = event.target.closest(".js-shut");
    if (adds) {
      var row = add(adds.closest("form"), adds.closest(".ys-below").dataset.kind);
      row.scrollIntoView({ block: "nearest" });
      ys.form.focus(row.querySelector(".ys-inputs"));
      row.dispatchEvent(new Event("change", { bubbles: true }));
    } else if (drops) {
      var section = drops.closest(".ys-below");
      var form = drops.closest("form");
      drops.closest(".ys-rowform").remove();
      number(section);
      section.querySelector(".js-add").focus();
      form.dispatchEvent(new Event("change", { bubbles: true }));
      ys.form.mark(form);
    } else if (shuts) {
      shut(shuts.closest("tr"));
    }
  });

  /* the record's page ---------------------------------------------------------------------- */

  function shut(row) {
    var section = row.closest(".ys-kind");
    var before = row.previousElementSibling;
    row.remove();
    if (before && before.hidden) {
      before.hidden = false;
      ys.form.focus(before.querySelector(".ys-actions"));
    } else {
      ys.form.focus(section.querySelector(".ys-kind-head"));
    }
    recount(section);
  }

  function recount(section) {
    section.querySelector(".js-rows").textContent = section.querySelectorAll("tr[data-child]").length || "";
  }

  function said(messages) {
    var place = document.getElementById("said");
    messages.forEach(function (message) {
      var box = document.createElement("div");
      var text = document.createElement("div");
      var close = document.createElement("button");
      box.className = "alert alert-dismissible alert-" + message[0];
      text.textContent = message[1];
      close.type = "button";
      close.className = "btn-close";
      close.setAttribute("aria-label", place.dataset.close || "");
      close.addEventListener("click", function () { box.remove(); });
      box.append(text, close);
      place.append(box);
      if (message[0] === "success") { window.setTimeout(function () { box.remove(); }, 6000); }
    });
  }
  document.body.addEventListener("ys:said", function (event) { said(event.detail.messages); });

  /* A refused form comes back in its row; a sign-in page never does. */
  document.body.addEventListener("htmx:beforeSwap", function (event) {
    var detail = event.detail;
    var section = detail.target.closest ? detail.target.closest(".ys-kind") : null;
    if (!section) { return; }
    if (/\/login\//.test(detail.xhr.responseURL)) {
      detail.shouldSwap = false;
      ys.say(ys.words.lost);
    } else if (/class="ys-editing"/.test(detail.xhr.responseText)) {
      detail.shouldSwap = true;
      detail.isError = false;
    }
  });

  document.body.addEventListener("htmx:responseError", function (event) {
    if (!event.detail.target.closest(".ys-kind") || event.detail.xhr.getResponseHeader("HX-Trigger")) { return; }
    var page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    var parts = page.querySelectorAll(".ys-error h1, .ys-error h1 + p");
    ys.say(Array.prototype.map.call(parts, function (each) { return each.textContent.trim(); }).join("。") || ys.words.lost);
  });

  document.body.addEventListener("htmx:afterSwap", function () {
    document.querySelectorAll(".ys-kind").forEach(function (each) {
      each.querySelectorAll("tr.ys-editing").forEach(function (row) {
        var before = row.previousElementSibling;
        var verb = row.querySelector("form").getAttribute("hx-post");
        if (before && before.dataset.child && verb.indexOf("/" + before.dataset.child + "/edit") >= 0) { before.hidden = true; }
      });
      each.querySelectorAll("tr[data-child][hidden]").forEach(function (row) {
        var after = row.nextElementSibling;
        if (after && after.dataset.child === row.dataset.child) { row.remove(); ys.form.focus(after.querySelector(".ys-actions")); }
        else if (!after || !after.classList.contains("ys-editing")) { row.hidden = false; }
      });
      recount(each);
    });
  });

  ["input", "change"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var form = event.target.closest(".ys-editing form");
      if (form) { form.dataset.dirty = "1"; }
    });
  });
  window.addEventListener("beforeunload", function (event) { if (document.querySelector(".ys-editing form[data-dirty]")) { event.preventDefault(); } });

  document.addEventListener("keydown", function (event) {
    var row = event.key === "Escape" && event.target.closest ? event.target.closest(".ys-editing") : null;
    if (row && !document.querySelector("dialog[open]") && !event.target.closest(".dropdown-active")) { shut(row); }
  });

  ys.enhance(function (root) {
    root.querySelectorAll(".ys-below .js-add").forEach(function (button) { button.hidden = false; });
  });
})();
