/* What is wrong is said when one leaves a field, not only after saving; what follows from a field is filled in. */
(function () {
  "use strict";
  var ys = window.ys;

  function watch(form) {
    if (form.checked_ || !form.dataset.check) { return; }
    form.checked_ = true;
    var visited = {};
    var filled = {};
    var asked = 0;
    var last = "";
    var waiting = 0;
    form.querySelectorAll(".ys-wrong[data-name]").forEach(function (field) { visited[field.dataset.name] = true; });

    /* What we filled in follows again from its source until the person touches it. */
    function body() {
      var data = new FormData(form);
      Object.keys(filled).forEach(function (name) { data.set(name, ""); });
      return data;
    }

    function ask() {
      var data = body();
      var text = JSON.stringify(Array.from(data.entries()).concat(Object.keys(visited)));
      if (text === last) { return; }
      last = text;
      var mine = ++asked;
      fetch(form.dataset.check, { method: "POST", body: data, redirect: "manual", headers: { "X-CSRFToken": ys.token(), Accept: "application/json" } })
        .then(function (answer) { return answer.ok ? answer.json() : null; })
        .then(function (found) { if (found && mine === asked) { show(found); } })
        .catch(function () { /* saving will say it */ });
    }

    function show(found) {
      Object.keys(found.filled).forEach(function (name) {
        if (ys.form.values(form, name).length && !filled[name]) { return; }
        filled[name] = true;
        ys.form.put(form, name, found.filled[name]);
      });
      ys.form.names(form).forEach(function (name) {
        var field = ys.form.box(form, name);
        if (!field || !(visited[name] || filled[name])) { return; }
        say(field, found.errors[name] || [], found.doubts[name] || [], found.twins[name], Boolean(filled[name] && found.filled[name]));
      });
      ys.form.mark(form);
    }

    function say(field, errors, doubts, twin, follows) {
      var live = field.querySelector(".ys-live");
      var lines = errors.map(function (text) { return line("ys-why", text); }).concat(doubts.map(function (text) { return line("ys-doubt", text); }));
      if (follows && !errors.length) { lines.push(line("ys-filled", form.dataset.filled)); }
      if (twin && lines.length) {
        var link = document.createElement("a");
        link.href = twin;
        link.target = "_blank";
        link.rel = "noopener";
        link.textContent = form.dataset.twin;
        lines[0].append(" ", link);
      }
      if (live.textContent.trim() !== lines.map(function (each) { return each.textContent; }).join("")) { live.replaceChildren.apply(live, lines); }
      field.classList.toggle("ys-wrong", errors.length > 0);
      ys.form.controls(form, field.dataset.name).forEach(function (control) {
        var target = control.type === "radio" ? control.closest("[role=radiogroup]") : control;
        if (target && control.type !== "checkbox") { if (errors.length) { target.setAttribute("aria-invalid", "true"); } else { target.removeAttribute("aria-invalid"); } }
      });
    }

    function line(look, text) {
      var made = document.createElement("span");
      made.className = "form-hint " + look;
      made.textContent = text;
      return made;
    }

    function note(event) {
      var field = event.target.closest(".ys-field");
      if (!field || !form.contains(field)) { return; }
      if (event.type !== "focusout") { delete filled[field.dataset.name]; }
      if (event.type === "input") { return; }
      visited[field.dataset.name] = true;
      window.clearTimeout(waiting);
      waiting = window.setTimeout(ask, 120);
      var own = form.querySelector("[name='" + CSS.escape(field.dataset.name) + ".use'][value=mine]");
      if (own && event.type === "change") { own.checked = true; }
    }
    form.addEventListener("focusout", note);
    form.addEventListener("change", note);
    form.addEventListener("input", note);
    form.addEventListener("ys:restored", function () { ys.form.names(form).forEach(function (name) { if (ys.form.values(form, name).length) { visited[name] = true; } }); ask(); });
  }

  ys.enhance(function (root) { root.querySelectorAll("form.ys-form[data-check]").forEach(watch); });
})();
