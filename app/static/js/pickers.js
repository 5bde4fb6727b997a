/* Pickers (Tom Select) and dates (flatpickr).
 *
 * select.js-pick           the options in the page
 * select.js-remote         searched at data-source; data-value="text" keeps words instead of ids
 * select.js-open           words that the list does not know may be typed
 * input.js-date            a day; input.js-moment a day and time; both may be typed by hand */
(function () {
  "use strict";
  var words = window.ys.words;

  function render(open) {
    return {
      no_results: function () { return "<div class='no-results'>" + words.none + "</div>"; },
      loading: function () { return "<div class='spinner'></div>"; },
      option_create: function (data, escape) { return open ? "<div class='create'>" + escape(words.fresh.replace("{word}", data.input)) + "</div>" : null; }
    };
  }

  function pick(element) {
    if (element.tomselect || element.closest("template")) { return; }
    var remote = element.classList.contains("js-remote");
    var open = element.classList.contains("js-open");
    var byText = element.dataset.value === "text";
    var settings = {
      plugins: element.multiple ? { remove_button: { title: words.remove } } : { clear_button: { title: words.clear } },
      placeholder: element.dataset.placeholder || (remote ? words.search : words.choose),
      create: open,
      createOnBlur: open,
      maxOptions: 500,
      clearAfterSelect: true, /* else the letters that found a word would become a word of their own */
      refreshThrottle: 0, /* who types fast and presses Enter means what was typed, not what was listed before */
      hidePlaceholder: true,
      allowEmptyOption: false,
      render: render(open)
    };
    if (remote) {
      settings.valueField = "id";
      settings.labelField = "text";
      settings.searchField = [];
      settings.score = function () { return function () { return 1; }; };
      settings.preload = "focus";
      settings.loadThrottle = 200;
      settings.load = function (text, done) {
        var tom = this;
        fetch(element.dataset.source + (element.dataset.source.indexOf("?") < 0 ? "?" : "&") + "q=" + encodeURIComponent(text), { headers: { Accept: "application/json" } })
          .then(function (answer) { return answer.ok ? answer.json() : Promise.reject(answer.status); })
          .then(function (data) {
            tom.clearOptions(function (option) { return tom.items.indexOf(String(option.id)) >= 0; });
            done(data.results.map(function (each) { return byText ? { id: each.text, text: each.text } : { id: String(each.id), text: each.text }; }));
          })
          .catch(function () { done([]); });
      };
    }
    new window.TomSelect(element, settings);
    element.setAttribute("aria-hidden", "true"); /* the box that stands in for it has the label */
  }

  function parse(text) {
    var match = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T](\d{1,2}):(\d{2}))?$/.exec(text.trim());
    var day = match ? new Date(+match[1], match[2] - 1, +match[3], +(match[4] || 0), +(match[5] || 0)) : undefined;
    return day && day.getMonth() === match[2] - 1 ? day : undefined;
  }

  function date(element) {
    if (element._flatpickr || !window.flatpickr) { return; }
    var moment = element.classList.contains("js-moment");
    var made = window.flatpickr(element, {
      allowInput: true,
      enableTime: moment,
      time_24hr: true,
      dateFormat: moment ? "Y-m-d H:i" : "Y-m-d",
      locale: document.documentElement.lang === "en" ? "default" : "zh",
      disableMobile: true,
      clickOpens: true,
      errorHandler: function () {},
      parseDate: parse
    });
    /* what was typed and is no date to us (长期, 2026年3月) stays for the server to read or to explain: flatpickr would wipe it */
    var set = made.setDate;
    made.setDate = function (value, tell, format) {
      if (typeof value === "string" && value.trim() && !parse(value)) { return; }
      set.call(made, value, tell, format);
    };
  }

  window.ys.enhance(function (root) {
    root.querySelectorAll("select.js-pick, select.js-remote, select.js-open").forEach(pick);
    root.querySelectorAll("input.js-date, input.js-moment").forEach(date);
  });
})();
