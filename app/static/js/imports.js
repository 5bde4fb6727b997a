/* The import desk: a page that waits for the worker looks again. */
(function () {
  "use strict";
  document.querySelectorAll(".js-reload").forEach(function (box) {
    window.setTimeout(function () { window.location.reload(); }, 1000 * Number(box.dataset.seconds));
  });
})();
