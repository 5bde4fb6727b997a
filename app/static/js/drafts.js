/* Nothing that was typed gets lost: it is kept in this tab until the server says that it is saved,
 * leaving a page with unsaved input asks first, and a form is sent only to a server that will take it.
 *
 * Sensitive fields are never kept. */
(function () {
  "use strict";
  var ys = window.ys;
  var PREFIX = "unsaved:";

  function cookie(name) {
    var match = new RegExp("(?:^|; )" + name + "=([^;]*)").exec(document.cookie);
    return match ? match[1] : "";
  }

  function kept() { return Object.keys(sessionStorage).filter(function (key) { return key.indexOf(PREFIX) === 0; }); }

  function read(key) {
    try { return JSON.parse(sessionStorage.getItem(key)); } catch (_error) { return null; }
  }

  /* The server tells by a cookie which form it has saved. */
  var saved = cookie("saved_form");
  if (saved) {
    kept().forEach(function (key) { if ((read(key) || {}).id === saved) { sessionStorage.removeItem(key); } });
    document.cookie = "saved_form=; path=/; max-age=0; SameSite=Lax";
  }
  document.addEventListener("submit", function (event) {
    if (/\/logout\//.test(event.target.action)) { kept().forEach(function (key) { sessionStorage.removeItem(key); }); }
  });

  var form = document.getElementById("form");
  if (!form || !form.dataset.owner) { return; }
  /* not form.elements: a field may be called “elements”, and then that is what one gets */
  function named(name) { return form.querySelector("[name=" + name + "]"); }
  var key = PREFIX + form.dataset.owner + ":" + window.location.pathname;
  kept().forEach(function (each) { if (each.indexOf(PREFIX + form.dataset.owner + ":") !== 0) { sessionStorage.removeItem(each); } });

  /* What the form says now, or would say untouched. */
  function state() {
    var found = {};
    ys.form.names(form).forEach(function (name) { found[name] = ys.form.values(form, name); });
    return found;
  }
  var start = {};
  var touched = form.hasAttribute("data-again");
  var sending = false;

  function changes() {
    var now = state();
    var names = Object.keys(now).filter(function (name) { return JSON.stringify(now[name]) !== JSON.stringify(start[name] || []); });
    return { names: names, now: now };
  }
  function dirty() { return touched || changes().names.length > 0 || form.querySelectorAll(".ys-rowform").length > rows; }
  var rows = 0;

  function sensitive(name) {
    var field = ys.form.box(form, name);
    return !field || field.hasAttribute("data-sensitive");
  }

  function choices(name, values) {
    var select = ys.form.controls(form, name).find(function (control) { return control.tagName === "SELECT"; });
    return values.map(function (value) {
      var option = select && Array.prototype.find.call(select.options, function (each) { return each.value === value; });
      return { value: value, label: option ? option.textContent : value };
    });
  }

  function keep() {
    if (sending) { return; }
    var found = changes();
    var fields = {};
    found.names.filter(function (name) { return !sensitive(name); }).forEach(function (name) { fields[name] = choices(name, found.now[name]); });
    if (!Object.keys(fields).length) { sessionStorage.removeItem(key); return; }
    try { sessionStorage.setItem(key, JSON.stringify({ id: named("form_id").value, at: Date.now(), fields: fields })); } catch (_error) { /* a full store keeps nothing more */ }
  }

  var waiting = 0;
  function soon() { window.clearTimeout(waiting); waiting = window.setTimeout(keep, 300); }
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  window.addEventListener("pagehide", keep);
  window.addEventListener("pageshow", function (event) { if (event.persisted) { sending = false; } });

  function restore(draft) {
    Object.keys(draft.fields).forEach(function (name) {
      var child = /^([a-z_]+)-(\d+)\./.exec(name);
      if (child && !ys.form.controls(form, name).length) { ys.children.add(form, child[1], Number(child[2])); }
      ys.form.put(form, name, draft.fields[name]);
    });
    touched = true;
    form.dispatchEvent(new CustomEvent("ys:restored"));
  }

  function offer(draft) {
    var bar = document.createElement("div");
    var text = document.createElement("div");
    bar.className = "alert alert-warning ys-restore";
    bar.setAttribute("role", "status");
    text.textContent = ys.fill(form.dataset.unsaved, { time: new Date(draft.at).toLocaleString(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" }) });
    bar.append(text, button(form.dataset.restore, "btn btn-primary", function () { restore(draft); bar.remove(); ys.form.focus(form.querySelector(".ys-section")); }),
      button(form.dataset.forget, "btn", function () { sessionStorage.removeItem(key); bar.remove(); }));
    form.closest(".ys-paper").before(bar);
  }

  function button(label, look, act) {
    var made = document.createElement("button");
    made.type = "button";
    made.className = look;
    made.textContent = label;
    made.addEventListener("click", act);
    return made;
  }

  /* leaving ------------------------------------------------------------------------------- */

  window.addEventListener("beforeunload", function (event) { if (!sending && dirty()) { event.preventDefault(); } });
  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[href]");
    if (!link || link.target === "_blank" || link.origin !== window.location.origin || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    if (event.defaultPrevented || link.hash && link.pathname === window.location.pathname || link.hasAttribute("download") || !dirty()) { return; }
    event.preventDefault();
    ys.confirm(form.dataset.leave, function () {
      sending = true;
      sessionStorage.removeItem(key);
      window.location.assign(link.href);
    });
  });

  /* sending: first ask whether the server would take it, so that the page stays when it would not ---- */

  function send() {
    sending = true;
    window.setTimeout(function () { sending = false; }, 15000);
    HTMLFormElement.prototype.submit.call(form);
  }

  function askToSignIn(address) {
    var link = document.createElement("a");
    link.href = address;
    link.target = "_blank";
    link.textContent = form.dataset.login;
    ys.say(form.dataset.expired);
    document.getElementById("say-text").append(" ", link);
  }

  function renew() {
    return fetch(window.location.href, { headers: { Accept: "text/html" } }).then(function (answer) {
      return answer.text().then(function (text) {
        var page = new DOMParser().parseFromString(text, "text/html");
        var there = page.getElementById("form");
        if (!there) { askToSignIn(answer.url); return; }
        if (there.dataset.owner !== form.dataset.owner) { ys.say(form.dataset.stranger); return; }
        var token = page.querySelector("meta[name=csrf-token]").content;
        document.querySelector("meta[name=csrf-token]").content = token;
        named("csrf_token").value = token;
        send();
      });
    });
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    if (sending) { return; }
    keep();
    fetch(form.dataset.check, { method: "POST", body: new FormData(form), redirect: "manual", headers: { "X-CSRFToken": ys.token(), Accept: "application/json" } })
      .then(function (answer) { return answer.status === 400 || answer.type === "opaqueredirect" ? renew() : send(); })
      .catch(function () { ys.say(ys.words.lost); });
  });

  window.setTimeout(function () {
    start = state();
    rows = form.querySelectorAll(".ys-rowform").length;
    var draft = read(key);
    if (!named("form_id").value) { named("form_id").value = (draft && touched ? draft.id : "") || Date.now().toString(36) + Math.random().toString(36).slice(2, 10); }
    if (draft && !touched) { offer(draft); }
  }, 0);
})();
