/* A list's ticked rows. */
(function () {
  "use strict";
  var words = window.ys.words;

  function chosen() { return Array.prototype.slice.call(document.querySelectorAll(".js-tick:checked")); }

  function show() {
    var bulk = document.getElementById("bulk");
    if (!bulk) { return; }
    var rows = chosen();
    bulk.hidden = rows.length === 0;
    bulk.querySelector(".js-count").textContent = words.selected.replace("{count}", rows.length);
    bulk.querySelectorAll(".js-export").forEach(function (link) {
      link.search = rows.map(function (tick) { return "ids=" + tick.value; }).join("&");
    });
  }

  document.addEventListener("change", function (event) {
    if (event.target.matches(".js-all")) {
      document.querySelectorAll(".js-tick").forEach(function (tick) { tick.checked = event.target.checked; });
    }
    if (event.target.matches(".js-all, .js-tick")) { show(); }
  });
  window.ys.enhance(show);
})();
