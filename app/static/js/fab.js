/* What Flask-AppBuilder's pages do in the browser: operators of filters, ticked rows, fetched options, passwords. */
(function () {
  "use strict";
  var ys = window.ys;
  var words = ys.words;

  /* The name of a filter's value says its operator; what nobody filled in is not sent. */
  document.addEventListener("change", function (event) {
    if (event.target.matches(".js-operator")) {
      event.target.closest(".js-filter").querySelector(".js-value").name = event.target.value;
    }
    if (event.target.matches(".js-ticked, .js-ticked-all")) { ticked(event.target); }
  });
  document.addEventListener("submit", function (event) {
    if (!event.target.matches(".js-filters")) { return; }
    event.target.querySelectorAll(".js-value, [name=q]").forEach(function (input) { input.disabled = input.value === ""; });
  });
  /* the browser's way back shows the page as it was left */
  window.addEventListener("pageshow", function () {
    document.querySelectorAll(".js-filters :disabled").forEach(function (input) { input.disabled = false; });
  });

  function boxes(list) { return Array.prototype.slice.call(list.querySelectorAll(".js-ticked")); }

  function ticked(target) {
    var list = target.closest(".js-tick-list");
    if (target.matches(".js-ticked-all")) { boxes(list).forEach(function (box) { box.checked = target.checked; }); }
    var count = boxes(list).filter(function (box) { return box.checked; }).length;
    list.querySelector(".js-ticked-count").textContent = count ? words.selected.replace("{count}", count) : "";
  }

  /* An action needs ticked rows, and some ask first. */
  document.addEventListener("click", function (event) {
    var button = event.target.closest(".ys-ticked button");
    if (!button) { return; }
    var form = button.form;
    if (!boxes(button.closest(".js-tick-list")).some(function (box) { return box.checked; })) {
      event.preventDefault();
      ys.say(words.noRow);
    } else if (button.dataset.confirm) {
      event.preventDefault();
      ys.confirm(button.dataset.confirm, function () { form.requestSubmit(button); button.blur(); });
    }
  }, true);

  /* select.js-fetched: options from data-endpoint; {{ID}} in it is what data-master has chosen. */
  function fetched(element) {
    if (element.tomselect) { return; }
    var master = element.dataset.master ? document.getElementById(element.dataset.master) : null;
    var tom = new window.TomSelect(element, {
      placeholder: words.choose, plugins: { clear_button: { title: words.clear } }, valueField: "id", labelField: "text", searchField: ["text"],
      render: { no_results: function () { return "<div class='no-results'>" + words.none + "</div>"; } }
    });
    var asked = 0;
    function load() {
      var mine = ++asked;
      var address = element.dataset.endpoint.replace("{{ID}}", master ? encodeURIComponent(master.value) : "");
      if (master && !master.value) { tom.clear(true); tom.clearOptions(function () { return false; }); return; }
      fetch(address, { headers: { Accept: "application/json" } })
        .then(function (answer) { return answer.ok ? answer.json() : Promise.reject(answer.status); })
        .then(function (found) {
          if (mine !== asked) { return; } /* an answer about another choice of the master came late */
          var chosen = tom.getValue();
          tom.clearOptions(function () { return false; });
          tom.addOptions(found.map(function (each) { return { id: String(each.id), text: each.text }; }));
          tom.setValue(found.some(function (each) { return String(each.id) === chosen; }) ? chosen : "", true);
          if (tom.isFocused) { tom.refreshOptions(true); } /* somebody waits for them */
        })
        .catch(function () { ys.say(words.failed); });
    }
    load();
    if (master) { master.addEventListener("change", load); }
  }

  /* A password may be shown, and Caps Lock is said. */
  function secret(box) {
    var input = box.querySelector("input");
    if (!input || box.querySelector("button")) { return; }
    var button = document.createElement("button");
    var hint = document.createElement("p");
    button.type = "button";
    button.className = "btn btn-ghost-secondary btn-sm";
    button.textContent = words.show;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", function () {
      var hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      button.textContent = hidden ? words.hide : words.show;
      button.setAttribute("aria-pressed", String(hidden));
    });
    hint.className = "form-hint ys-caps";
    hint.setAttribute("role", "status");
    input.addEventListener("keyup", function (event) { hint.textContent = event.getModifierState && event.getModifierState("CapsLock") ? words.caps : ""; });
    box.append(button);
    box.after(hint);
  }

  ys.enhance(function (root) {
    root.querySelectorAll("select.js-fetched").forEach(fetched);
    root.querySelectorAll(".ys-secret").forEach(secret);
  });

  /* the first tab, or the one that the address names */
  var tab = window.location.hash && document.getElementById("tab-" + window.location.hash.slice(1));
  if (tab) { tab.click(); }
})();
