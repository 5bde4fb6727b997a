/* The import desk: the file that was dropped is named, a page that waits for the worker looks again. */
(function () {
  "use strict";
  document.querySelectorAll(".js-drop").forEach(function (zone) {
    var input = zone.querySelector("input[type=file]");
    var text = zone.querySelector(".js-chosen");
    function name() { text.textContent = input.files.length ? Array.prototype.map.call(input.files, function (file) { return file.name; }).join("、") : text.dataset.empty; }
    input.addEventListener("change", name);
    ["dragenter", "dragover"].forEach(function (kind) { zone.addEventListener(kind, function () { zone.classList.add("over"); }); });
    ["dragleave", "drop", "dragend"].forEach(function (kind) { zone.addEventListener(kind, function () { zone.classList.remove("over"); }); });
  });
  document.querySelectorAll(".js-reload").forEach(function (box) {
    window.setTimeout(function () { window.location.reload(); }, 1000 * Number(box.dataset.seconds));
  });
})();
