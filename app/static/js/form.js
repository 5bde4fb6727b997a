/* A form: the first thing to correct comes into view. */
(function () {
  "use strict";
  var wrong = document.querySelector(".ys-form .ys-wrong");
  if (wrong) { wrong.scrollIntoView({ block: "center" }); }
})();
