/* Our pages' few scripts, and what Flask-AppBuilder's ab.js does for its own pages, with our words. */
(function ($) {
  "use strict";
  var words = document.body.dataset;
  var language = {
    noResults: function () { return words.none; },
    searching: function () { return words.searching; },
    errorLoading: function () { return words.failed; }
  };

  function pick(element, more) {
    var settings = { placeholder: element.dataset.placeholder || words.choose, allowClear: !element.multiple, theme: "bootstrap", width: "100%", language: language };
    $(element).select2($.extend(settings, more));
  }

  /* a word that an open list does not know comes last, marked as new */
  var newWords = {
    tags: true,
    createTag: function (asked) {
      var term = asked.term.trim();
      return term ? { id: term, text: term, fresh: true } : null;
    },
    insertTag: function (known, word) { known.push(word); },
    templateResult: function (each) { return each.fresh ? words.fresh.replace("{word}", each.text) : each.text; }
  };

  function remote(element) {
    var byText = element.dataset.value === "text";
    pick(element, $.extend({
      placeholder: element.dataset.placeholder || words.search,
      ajax: {
        url: element.dataset.source,
        delay: 200,
        data: function (asked) { return { q: asked.term || "" }; },
        processResults: function (data) {
          return { results: data.results.map(function (each) { return byText ? { id: each.text, text: each.text } : each; }) };
        }
      }
    }, element.classList.contains("js-open") ? newWords : {}));
  }

  /* Select2 4.0 does not put the cursor into its search box under jQuery 3.6 and later */
  $(document).on("select2:open", function () {
    var box = document.querySelector(".select2-container--open .select2-search__field");
    if (box) { box.focus(); }
  });
  document.querySelectorAll("select.js-pick").forEach(function (element) { pick(element); });
  document.querySelectorAll("select.js-remote").forEach(remote);
  document.querySelectorAll("select.js-open:not(.js-remote)").forEach(function (element) { pick(element, newWords); });

  /* a list's ticked rows */
  var bulk = document.getElementById("bulk");
  var ticks = Array.prototype.slice.call(document.querySelectorAll(".js-tick"));
  function chosen() { return ticks.filter(function (tick) { return tick.checked; }); }
  function show() {
    if (!bulk) { return; }
    bulk.hidden = chosen().length === 0;
    bulk.querySelector(".js-count").textContent = words.selected.replace("{count}", chosen().length);
    bulk.querySelectorAll(".js-export").forEach(function (link) {
      link.search = chosen().map(function (tick) { return "ids=" + tick.value; }).join("&");
    });
  }
  ticks.forEach(function (tick) { tick.addEventListener("change", show); });
  document.querySelectorAll(".js-all").forEach(function (all) {
    all.addEventListener("change", function () {
      ticks.forEach(function (tick) { tick.checked = all.checked; });
      show();
    });
  });
  show();

  document.querySelectorAll(".js-back").forEach(function (button) {
    button.addEventListener("click", function () { window.history.back(); });
  });
  document.querySelectorAll(".js-reload").forEach(function (box) {
    window.setTimeout(function () { window.location.reload(); }, 1000 * Number(box.dataset.seconds));
  });
  var wrong = document.querySelector(".ys-form .has-error");
  if (wrong) { wrong.scrollIntoView({ block: "center" }); }

  /* Flask-AppBuilder's own pages */
  window.ab_alert = function () {
    $("#modal-alert .modal-text").text(words.noRow);
    $("#modal-alert").modal("show");
  };
  $(".my_select2").each(function () { pick(this); });
  $(".appbuilder_date, .appbuilder_datetime").datepicker({ format: "yyyy-mm-dd" });
  $(".confirm").on("click", function () { $(".modal-text").text($(this).data("text")); });
  $("#modal-confirm").on("show.bs.modal", function (event) {
    var target = $(event.relatedTarget).data("href");
    if (target) { $(this).find("#modal-confirm-ok").attr("href", target); }
  });
})(window.jQuery);
