/* The way through the records of the list that the person came from: the list leaves their order in this tab. */
(function () {
  "use strict";
  var KEY = "list:";

  function listed() {
    var links = document.querySelectorAll("td.ys-first a[href*='/show/']");
    var address = /^\/([a-z_]+)\/list\/$/.exec(window.location.pathname);
    if (!address || !links.length) { return; }
    var ids = Array.prototype.map.call(links, function (link) { return (/\/show\/(\d+)/.exec(link.pathname) || [])[1]; });
    sessionStorage.setItem(KEY + address[1], JSON.stringify({ url: window.location.pathname + window.location.search, ids: ids }));
  }

  function neighbours() {
    var place = document.querySelector(".js-neighbours");
    if (!place) { return; }
    var left = JSON.parse(sessionStorage.getItem(KEY + place.dataset.register) || "null");
    var here = left ? left.ids.indexOf(place.dataset.record) : -1;
    if (here < 0) { return; }
    [[".js-before", left.ids[here - 1]], [".js-after", left.ids[here + 1]]].forEach(function (pair) {
      var link = place.querySelector(pair[0]);
      if (pair[1]) { link.href = place.dataset.show + pair[1]; } else { link.classList.add("disabled"); link.setAttribute("aria-disabled", "true"); }
    });
    place.hidden = false;
    var list = document.querySelector(".ys-head .breadcrumb a");
    if (list) { list.href = left.url; }
  }

  listed();
  neighbours();
  document.body.addEventListener("htmx:afterSettle", listed);
})();
