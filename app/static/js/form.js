/* Forms: reading and filling their controls, moving by keyboard, the table of contents, counters.
 *
 * ys.form.names(form)              the names of its controls
 * ys.form.values(form, name)       what a control would send, blanks left out
 * ys.form.put(form, name, choices) fill a control: [{value, label}]
 * ys.form.box(form, name)          the field around a control
 * ys.form.focus(element)           focus a control, or the first one within */
(function () {
  "use strict";
  var ys = window.ys;
  var PLAIN = ["csrf_token", "row_version", "form_id"];

  /* not form.elements: a field may be called “elements”, and then that is what one gets */
  function all(form) { return form.querySelectorAll("input[name], select[name], textarea[name], button[name]"); }

  function controls(form, name) {
    return Array.prototype.filter.call(all(form), function (each) { return each.name === name; });
  }

  function names(form) {
    var found = Array.prototype.map.call(all(form), function (each) { return each.name; });
    return found.filter(function (name, place) { return name && PLAIN.indexOf(name) < 0 && !/\.(was|shown|use)$/.test(name) && found.indexOf(name) === place; });
  }

  function values(form, name) {
    return new FormData(form).getAll(name).filter(function (value) { return typeof value === "string" && value.trim() !== ""; });
  }

  function box(form, name) {
    return Array.prototype.find.call(form.querySelectorAll(".ys-field"), function (each) { return each.dataset.name === name; }) || null;
  }

  function putSelect(select, choices) {
    var wanted = choices.map(function (each) { return each.value; });
    if (select.tomselect) {
      choices.forEach(function (each) { select.tomselect.addOption({ id: each.value, value: each.value, text: each.label }); });
      select.tomselect.setValue(select.multiple ? wanted : wanted[0] || "", true);
      return;
    }
    choices.forEach(function (each) {
      if (!Array.prototype.some.call(select.options, function (option) { return option.value === each.value; })) { select.add(new Option(each.label, each.value)); }
    });
    Array.prototype.forEach.call(select.options, function (option) { option.selected = wanted.indexOf(option.value) >= 0; });
  }

  function put(form, name, choices) {
    var wanted = choices.map(function (each) { return each.value; });
    controls(form, name).forEach(function (control) {
      if (control.type === "radio" || control.type === "checkbox") {
        control.checked = wanted.indexOf(control.value) >= 0 || (control.type === "radio" && control.value === "" && !wanted.length);
      } else if (control.tagName === "SELECT") {
        putSelect(control, choices);
      } else {
        control.value = wanted.join("、");
        grow(control);
      }
    });
  }

  /* moving about -------------------------------------------------------------------------- */

  var STOPS = "input:not([type=hidden]):not([disabled]):not([tabindex='-1']), select:not([tabindex='-1']), textarea, button:not([tabindex='-1']), a[href]";

  function visible(element) { return element.getClientRects().length > 0 && !element.closest("[hidden]"); }

  function focus(target) {
    if (!target) { return; }
    if (target.tomselect) { target.tomselect.focus(); return; }
    var chosen = target.matches("[role=radiogroup]") ? target.querySelector("input:checked") : null;
    var within = target.matches("input, select, textarea, button, a") ? target : chosen || Array.prototype.find.call(target.querySelectorAll(STOPS), visible);
    if (within && within.tomselect) { within.tomselect.focus(); } else if (within) { within.focus(); }
  }

  /* The one of several radio buttons that is a stop on the way. */
  function entry(form, name) {
    var group = controls(form, name);
    return group.find(function (radio) { return radio.checked; }) || group[0];
  }

  /* Enter leads to the next field, as in a sheet; a long text keeps it, a picker chooses with it. */
  function next(form, control) {
    var stops = Array.prototype.filter.call(form.querySelectorAll(STOPS), visible);
    stops = stops.filter(function (stop) { return stop === control || stop.type !== "radio" || stop === entry(form, stop.name); });
    var following = stops[stops.indexOf(control) + 1];
    if (following) { following.focus(); }
  }

  /* Ctrl and an arrow lead to the next part of a long form, or the one before. */
  function part(form, control, by) {
    var parts = Array.prototype.slice.call(form.querySelectorAll(".ys-section"));
    var there = parts[parts.indexOf(control.closest(".ys-section")) + by];
    if (there) { focus(there); there.scrollIntoView({ block: "start" }); }
  }

  document.addEventListener("keydown", function (event) {
    var form = event.target.closest ? event.target.closest(".ys-form") : null;
    var saving = (event.ctrlKey || event.metaKey) && (event.key.toLowerCase() === "s" || event.key === "Enter");
    if (saving && (form || document.getElementById("form"))) {
      event.preventDefault();
      if (document.activeElement && document.activeElement.blur && !document.activeElement.matches("button, a")) { document.activeElement.blur(); }
      (form || document.getElementById("form")).requestSubmit();
      return;
    }
    if (form && event.ctrlKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      event.stopPropagation(); /* a picker would open, and keep the focus */
      part(form, event.target, event.key === "ArrowDown" ? 1 : -1);
      return;
    }
    if (!form || event.key !== "Enter" || event.isComposing || !event.target.matches("input:not([type=submit])") || event.target.closest(".ts-wrapper")) { return; }
    event.preventDefault();
    event.stopPropagation();
    if (event.target._flatpickr) { event.target._flatpickr.close(); }
    next(form, event.target);
  }, true);

  document.addEventListener("click", function (event) {
    var offered = event.target.closest(".js-put");
    if (offered) {
      var input = offered.closest(".input-group").querySelector("input");
      input.value = offered.dataset.put;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      return;
    }
    var link = event.target.closest(".ys-toc a, .ys-problems a");
    var target = link ? document.getElementById(link.getAttribute("href").slice(1)) : null;
    if (!target || !target.closest(".ys-form")) { return; }
    event.preventDefault();
    (target.closest(".ys-field") || target).scrollIntoView({ block: target.closest(".ys-field") ? "center" : "start" });
    focus(target);
  });

  document.addEventListener("focusin", function (event) { if (event.target.matches(".js-mask")) { event.target.select(); } });

  /* what is wrong, in the contents and in the list on top --------------------------------- */

  function mark(form) {
    document.querySelectorAll(".ys-toc a").forEach(function (link) {
      var part = document.getElementById(link.getAttribute("href").slice(1));
      link.classList.toggle("ys-wrong", Boolean(part && part.querySelector(".ys-why")));
    });
    var summary = document.getElementById("problems");
    if (!summary || form.id !== "form") { return; }
    summary.querySelectorAll("li[data-name]").forEach(function (entry) {
      var field = box(form, entry.dataset.name);
      entry.classList.toggle("ys-done", Boolean(field && !field.querySelector(".ys-why")));
    });
  }

  /* texts that grow, and how much of their room is used ------------------------------------ */

  function grow(control) {
    if (control.tagName === "TEXTAREA") {
      control.style.height = "auto";
      control.style.height = control.scrollHeight + 2 + "px";
    }
    count(control);
  }

  function count(control) {
    var most = Number(control.dataset.length);
    var form = control.form;
    if (!most || !form || !form.dataset.count) { return; }
    var now = Array.from(control.value.trim()).length;
    var hint = control.parentElement.querySelector(".js-count");
    if (now * 2 < most && !hint) { return; }
    if (!hint) {
      hint = document.createElement("span");
      hint.className = "form-hint js-count";
      control.insertAdjacentElement("afterend", hint);
    }
    hint.textContent = ys.fill(form.dataset.count, { now: now, most: most });
    hint.classList.toggle("ys-why-much", now > most);
  }

  document.addEventListener("input", function (event) { if (event.target.matches(".ys-form textarea, .ys-form input")) { grow(event.target); } });

  ys.form = { names: names, values: values, put: put, box: box, focus: focus, mark: mark, controls: controls };

  ys.enhance(function (root) {
    root.querySelectorAll(".ys-form textarea").forEach(function (control) { if (control.value) { grow(control); } });
    var problems = root.querySelector(".ys-problems");
    if (problems) { problems.focus(); problems.scrollIntoView({ block: "nearest" }); return; }
    var fresh = root.querySelector(".ys-form[data-fresh] .ys-section, .ys-editing .ys-inputs");
    if (fresh && window.matchMedia("(hover: hover)").matches) { focus(fresh); }
  });
})();
