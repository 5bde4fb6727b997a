/* The frame's behaviour, and the way for other scripts to look at new parts of a page.
 *
 * ys.enhance(function (root) { … }) runs for the page and for every part that htmx or ys.renew(part) puts in. */
(function () {
  "use strict";
  var makers = [];
  var ys = (window.ys = {
    words: document.body.dataset,
    enhance: function (maker) {
      makers.push(maker);
      maker(document.body);
    },
    /* Look at a part that a script of ours put in. */
    renew: function (part) {
      makers.forEach(function (maker) { maker(part); });
      window.htmx.process(part);
    },
    token: function () { return document.querySelector("meta[name=csrf-token]").content; },
    fill: function (sentence, facts) {
      return Object.keys(facts).reduce(function (text, name) { return text.replace("{" + name + "}", facts[name]); }, sentence);
    },
    /* A sentence that the person closes. */
    say: function (sentence) {
      document.getElementById("say-text").textContent = sentence;
      document.getElementById("say").showModal();
    },
    /* Asks; `then` runs when the person agrees. */
    confirm: function (question, then) {
      var dialog = document.getElementById("confirm");
      document.getElementById("confirm-text").textContent = question;
      dialog.returnValue = "";
      dialog.addEventListener("close", function () { if (dialog.returnValue === "yes") { then(); } }, { once: true });
      dialog.showModal();
    }
  });

  /* Each new part by itself; afterSwap names the target, which is not new where the part stands beside it. */
  document.body.addEventListener("htmx:load", function (event) {
    if (event.detail.elt !== document.body) { makers.forEach(function (maker) { maker(event.detail.elt); }); }
  });
  document.body.addEventListener("htmx:configRequest", function (event) { event.detail.headers["X-CSRFToken"] = ys.token(); });
  document.body.addEventListener("htmx:sendError", function () { ys.say(ys.words.lost); });

  function choose(name, attribute, values) {
    var root = document.documentElement;
    var value = root.getAttribute(attribute) === values[0] ? values[1] : values[0];
    root.setAttribute(attribute, value);
    document.cookie = name + "=" + value + "; path=/; max-age=31536000; SameSite=Lax";
    document.dispatchEvent(new CustomEvent("ys:look"));
  }

  document.addEventListener("click", function (event) {
    var target = event.target.closest(".js-theme, .js-density, .js-print, .js-back");
    if (!target) { return; }
    if (target.matches(".js-theme")) { choose("theme", "data-bs-theme", ["light", "dark"]); }
    if (target.matches(".js-density")) { choose("density", "data-density", ["comfortable", "compact"]); }
    if (target.matches(".js-print")) { window.print(); }
    if (target.matches(".js-back")) { window.history.back(); }
  });

  /* <form data-confirm="…">: asks before it is sent. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.dataset.confirm || form.dataset.agreed) { return; }
    event.preventDefault();
    ys.confirm(form.dataset.confirm, function () {
      form.dataset.agreed = "1";
      form.requestSubmit(event.submitter);
    });
  });
})();
