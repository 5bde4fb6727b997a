/* The command palette: Ctrl-K, a few letters, Enter. The menu answers at once, records as one types. */
(function () {
  "use strict";
  var dialog = document.getElementById("palette");
  if (!dialog) { return; }
  var box = document.getElementById("palette-text");
  var list = document.getElementById("palette-list");
  var source = dialog.dataset.source;
  var asked = 0;

  function pages(text) {
    var wanted = text.toLowerCase();
    return Array.prototype.map.call(document.querySelectorAll("#sidebar a.nav-link"), function (link) {
      return { text: link.textContent.trim(), url: link.getAttribute("href"), icon: link.querySelector(".ti").className, where: "" };
    }).filter(function (each) { return each.text.toLowerCase().indexOf(wanted) >= 0; });
  }

  function show(found) {
    list.replaceChildren.apply(list, found.map(function (each, place) {
      var item = document.createElement("li");
      var icon = document.createElement("i");
      var text = document.createElement("span");
      var where = document.createElement("span");
      item.id = "palette-" + place;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", place === 0 ? "true" : "false");
      item.dataset.url = each.url;
      icon.className = each.icon || "ti ti-file";
      icon.setAttribute("aria-hidden", "true");
      text.textContent = each.text;
      where.className = "ys-quiet";
      where.textContent = each.where || "";
      item.append(icon, text, where);
      return item;
    }));
    box.setAttribute("aria-activedescendant", found.length ? "palette-0" : "");
  }

  function look() {
    var text = box.value.trim();
    var mine = ++asked;
    var menu = pages(text);
    show(menu);
    if (!text || !source) { return; }
    fetch(source + "?q=" + encodeURIComponent(text), { headers: { Accept: "application/json" } })
      .then(function (answer) { return answer.ok ? answer.json() : { results: [] }; })
      .then(function (data) {
        if (mine !== asked) { return; }
        var known = menu.map(function (each) { return each.url; });
        show(menu.concat(data.results.filter(function (each) { return known.indexOf(each.url) < 0; })));
      })
      .catch(function () {});
  }

  function move(by) {
    var items = Array.prototype.slice.call(list.children);
    if (!items.length) { return; }
    var now = items.findIndex(function (item) { return item.getAttribute("aria-selected") === "true"; });
    var next = (now + by + items.length) % items.length;
    items.forEach(function (item, place) { item.setAttribute("aria-selected", place === next ? "true" : "false"); });
    items[next].scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", items[next].id);
  }

  function open() { box.value = ""; dialog.showModal(); look(); box.focus(); }
  function go(item) { if (item) { window.location.assign(item.dataset.url); } }

  document.addEventListener("keydown", function (event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
  });
  document.addEventListener("click", function (event) { if (event.target.closest(".js-palette")) { open(); } });
  dialog.addEventListener("click", function (event) {
    if (event.target === dialog || event.target.closest(".js-close")) { dialog.close(); }
    go(event.target.closest("li[role=option]"));
  });
  box.addEventListener("input", look);
  box.addEventListener("keydown", function (event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); go(list.querySelector("[aria-selected=true]")); }
  });
})();
